"""Tables of answers: one row for each input, harmless in a spreadsheet, and the rows of a cut part."""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from workers.contracts.after.answering import cells, headings
from workers.evaluate.data.base import Options
from workers.evaluate.data.inputs import read_inputs
from workers.evaluate.look import answer_table
from workers.evaluate.look.part_file import PartFile, rows_of
from workers.pipeline.spec import PipelineError
from workers.pipeline.spec_file import read_spec

HEAD = {"version": "v", "kind": "labels", "text_column": "review"}
ROWS = [
    {"input": "row 1", "text": "=HYPERLINK(\"x\")", "answer": "+good", "scores": {"+good": 0.75, "bad": 0.25}},
    {"input": "row 2", "text": "", "error": "This row has no text."},
]  # fmt: skip
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def test_rows_of_a_table_keep_their_numbers_and_choice_of_column(
    model_dir: Callable[[str], Path], tmp_path: Path
) -> None:
    """Given a table with an empty text and two columns of texts, When its inputs are listed, Then every row is one, the
    empty one has a reason, and the chosen column is used; a folder of text files is one input for each."""
    spec = read_spec(model_dir("texts"))
    table = tmp_path / "reviews.csv"
    table.write_text("text,more\nvery good,really bad\n,bad\n", encoding="utf-8")
    found = read_inputs(table, Options(spec))
    assert [entry.source for entry in found.entries] == ["row 1", "row 2"] and found.text_column == "text"
    assert found.entries[0].open() == "very good"
    with pytest.raises(PipelineError):
        found.entries[1].open()
    assert read_inputs(table, Options(spec, "more")).entries[1].open() == "bad"
    (tmp_path / "texts").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "texts" / name).write_text("good", encoding="utf-8")
    assert [entry.source for entry in read_inputs(tmp_path / "texts", Options(spec)).entries] == ["a.txt", "b.txt"]


def test_csv_has_no_formulas_and_keeps_numbers(tmp_path: Path) -> None:
    """Given texts that look like formulas, When they are written as CSV, Then each is a text and shares are exact."""
    answer_table.write_csv(tmp_path / "a.csv", HEAD, ROWS)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    first, second = csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines())
    assert first["text"] == '\'=HYPERLINK("x")' and first["answer"] == "'+good"
    assert (float(first["confidence"]), first["second"], first["third"]) == (0.75, "bad", "")
    assert second["problem"] == "This row has no text." and second["answer"] == ""


@pytest.mark.parametrize("suffix", list(answer_table.WRITERS))
def test_half_of_a_character_is_written_as_its_escape(tmp_path: Path, suffix: str) -> None:
    """Given a text and a class with a lone surrogate, as JSON may hold, Then each format takes them."""
    row = {"input": "row 1", "text": "half \ud83d", "answer": "x", "scores": {"\ud800": 1.0}}
    answer_table.WRITERS[suffix](tmp_path / "table", HEAD, [row])
    if suffix == ".jsonl":
        assert json.loads((tmp_path / "table").read_bytes()) == row
    assert cells(row, HEAD)[1:3] == ("half \\ud83d", "\\ud800")


def test_xlsx_holds_texts_and_numbers_and_no_formula(tmp_path: Path) -> None:
    """Given the same, When they are written as XLSX, Then no cell is a formula and shares are numbers."""
    answer_table.write_xlsx(tmp_path / "a.xlsx", HEAD, ROWS)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    written = [[cell.get("r"), "".join(cell.itertext())] for cell in sheet.iter(f"{SHEET}c")]
    assert ["B2", '=HYPERLINK("x")'] in written and ["D2", "0.75"] in written
    assert not list(sheet.iter(f"{SHEET}f"))


@pytest.mark.parametrize(
    ("kind", "row", "expected"),
    [
        ("boxes", {"answer": "1 found", "boxes": [{"class": "cat", "score": 0.5, "box": [1, 2.4, 30, 40]}]},
         ("1 found", "cat 50.0 % at 1, 2, 30, 40")),
        ("other", {"shares": {"sky": 0.25, "road": 0.75}}, ("road 75.0 %, sky 25.0 %",)),
        ("other", {"shape": [1, 1], "answer": [[-0.5]]}, (-0.5,)),
        ("other", {"shape": [2], "answer": [1.0, 2.0]}, ("[1.0, 2.0]",)),
        ("other", {"answer": "hello there"}, ("hello there",)),
        ("labels", {"shape": [0], "answer": []}, ("[]", None, None, None, None, None)),
    ],
)  # fmt: skip
def test_cells_word_each_kind_of_answer(kind: str, row: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Given answers of all kinds, When they become cells, Then they are words or one number, as many as headings."""
    head = {"kind": kind, "text_column": ""}
    found = cells({"input": "a", **row}, head)
    assert found == ("a", *expected, None) and len(found) == len(headings(head))


def test_a_cut_part_keeps_whole_rows(tmp_path: Path) -> None:
    """Given a part whose last line was cut by a power failure, When it is opened again, Then only that row is gone."""
    path, stamps = tmp_path / "answers.jsonl", {"a": "1", "b": "2"}
    with PartFile(path, HEAD, stamps) as part:
        part.add({"input": "a", "answer": "half \ud800"})
        part.add({"input": "b", "error": "no"})
    path.write_bytes(path.read_bytes()[:-3])
    with PartFile(path, HEAD, stamps) as part:
        assert (part.done, part.failed) == ({"a"}, 0)
    assert list(rows_of(path)[1]) == [{"input": "a", "answer": "half ?"}]
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0]) == HEAD
