"""Tables of texts as people save them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workers.contracts.errors import InputRefused
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.tables import is_header, read_table, sniff_separator

Make = Callable[..., Any]
WORDS = ["good", "bad", "film", "weather", "very", "the", "was", "today", "really"]


def rows(count: int) -> list[tuple[str, int]]:
    """Different short texts with labels in turn."""
    texts = [
        f"the {WORDS[i % 9]} {WORDS[i // 9 % 9]} was {WORDS[i // 81 % 9]} really {WORDS[(i + 3) % 9]}"
        for i in range(count)
    ]
    return [(text, i % 2) for i, text in enumerate(texts)]


def write(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_columns_by_name_are_used_and_named(run_data: Make, tmp_path: Path, words: Make) -> None:
    """Given columns text and label among others, Then they are used and named."""
    lines = ["id,text,label,when", *(f'{i},"{text}, yes",{label},monday' for i, (text, label) in enumerate(rows(40)))]
    result, folder = run_data("texts", write(tmp_path / "t.csv", lines))
    assert (result.n_test, result.n_calibration, result.labelled, result.kind) == (32, 8, True, "texts")
    assert result.class_counts == {"negative": 20, "positive": 20}
    assert "“text”" in words(result) and "“label”" in words(result)
    assert (read_dataset(folder).test[0].text or "").endswith(", yes")


def test_columns_by_content_are_used(run_data: Make, tmp_path: Path, words: Make) -> None:
    """Given meaningless names, or none, Then the longest texts and the values that the model knows are taken."""
    lines = [f"shop{i % 4};{text};{('negative', 'Positive')[label]}" for i, (text, label) in enumerate(rows(40))]
    result, _ = run_data("texts", write(tmp_path / "t.csv", ["where;c2;c3", *lines]))
    assert result.labelled and "“c2”" in words(result) and "“c3”" in words(result) and "semicolon" in words(result)
    result, _ = run_data("texts", write(tmp_path / "t.tsv", [f"{label}\t{text}" for text, label in rows(30)]))
    assert result.n_items == 30 and result.labelled


def test_columns_by_option_are_used_or_refused(run_data: Make, tmp_path: Path) -> None:
    """Given named columns, then these are used; a name that is not there is refused with the ones that are."""
    lines = ["text,other,mark,label", *(f"x{i},{text},{label},1" for i, (text, label) in enumerate(rows(30)))]
    path = write(tmp_path / "t.csv", lines)
    result, _ = run_data("texts", path, text_column="other", label_column="MARK")
    assert set(result.class_counts) == {"negative", "positive"} and result.merged_doubles == 0
    with pytest.raises(InputRefused, match="“mark”"):
        run_data("texts", path, text_column="tekst")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8-sig", ""),
        ("cp1252", "Windows-1252"),
        *((name, "UTF-16") for name in ("utf-16", "utf-16-le", "utf-16-be")),
    ],
)
def test_encodings_are_recognized_and_named(
    run_data: Make, tmp_path: Path, words: Make, encoding: str, shown: str
) -> None:
    """Given other encodings, Then umlauts are right and a finding names the encoding."""
    lines = ["text,label", *(f"{text} größer,{label}" for text, label in rows(20))]
    result, folder = run_data("texts", write(tmp_path / "t.csv", lines, encoding))
    assert (read_dataset(folder).test[0].text or "").endswith("größer")
    assert shown in words(result) and ("was read as" in words(result)) is bool(shown)


def test_lines_of_a_text_file_are_unlabelled_items(run_data: Make, tmp_path: Path) -> None:
    """Given one text a line, then each is an unlabelled item; empty lines are none."""
    result, _ = run_data("texts", write(tmp_path / "t.txt", [text for text, _ in rows(25)] + ["", "  "]))
    assert result.n_items == 25 and not result.labelled


def test_formula_cells_are_texts_and_empty_rows_left_out(run_data: Make, tmp_path: Path, words: Make) -> None:
    """Given cells that a spreadsheet would run and rows without text, then they are text and left out."""
    lines = ["text,label", "\"=cmd|' /C calc'!A0 good\",1", ",0", *(f"{text},{label}" for text, label in rows(20))]
    result, folder = run_data("texts", write(tmp_path / "t.csv", lines))
    assert result.n_items == 21 and "1 row has no text" in words(result)
    assert any((item.text or "").startswith("=cmd") for item in read_dataset(folder).test)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "no rows"), (b"text,label\n", "no rows"), (b"PK\x03\x04\x00\x00binary", "not a text file"), (b"\xff\xfea", "damaged")],
)  # fmt: skip
def test_bad_tables_are_refused(run_data: Make, tmp_path: Path, content: bytes, why: str) -> None:
    """Given an empty, headed-only or binary file, then it is refused in words."""
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputRefused, match=why):
        run_data("texts", tmp_path / "t.csv")


def test_headings_and_separators_are_recognized() -> None:
    """Given first rows of several kinds, Then headings and separators are distinguished from data."""
    assert is_header([["price", "size"], ["1", "2"], ["3", "4"]])
    assert not is_header([["1", "2"], ["3", "4"]])
    assert not is_header([["the film was really good today", "1"], ["the weather was bad", "0"]])
    assert is_header([["Text", "x"], ["good", "y"]], ["text"])
    assert sniff_separator('a;b\n"x;y";"1,5"\n"z,z";2\n') == ";"
    assert sniff_separator("just words, here\nand there") in (",",)


def test_short_rows_are_filled_up(tmp_path: Path) -> None:
    """Given rows with missing cells, then they are filled up."""
    table = read_table(write(tmp_path / "t.csv", ["text,label,note", "a,1", "b,0,x"]))
    assert [list(row) for row in table.rows] == [["a", "1", ""], ["b", "0", "x"]]
    assert table.column("LABEL") == 1 and table.column("gone") is None
