"""Tables of numbers for models that take rows of numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.contracts.data.reading import LABEL_CHOICES, DataResult
from workers.contracts.errors import InputRefused
from workers.evaluate.data.base import Collection, Options
from workers.evaluate.data.readers.tables import holds_numbers, read
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec

Spec = Callable[..., PipelineSpec]
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a table and return its path."""

    def written(text: str) -> Path:
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def spec(*inputs: tuple[str, int | None], dtype: str = "float32", more: tuple[int, ...] = ()) -> PipelineSpec:
    entries = tuple(PipelineInput(name, dtype, (None, size, *more), "array") for name, size in inputs)
    return PipelineSpec(task="arrays", inputs=entries, outputs=(), preprocess=ArraySteps(), answer_kind="class")


def arrays(found: Collection, name: str = "X") -> list[NDArray[np.generic]]:
    samples = [entry.open() for entry in found.entries]
    return [sample[name] for sample in samples if isinstance(sample, dict)]


def rows(found: Collection, name: str = "X") -> list[list[float]]:
    return [row.tolist() for row in arrays(found, name)]


def labels(found: Collection) -> list[tuple[str, ...]]:
    return [entry.labels for entry in found.entries]


@pytest.mark.parametrize("name", ["label", "Target", "class", "y"])
def test_columns_of_numbers_are_the_input_and_the_label_is_found(write: Write, name: str) -> None:
    """Given a table with a column of labels in the middle, Then all other columns are the input in their order."""
    found = read(write(f"width,{name},height\n1.5,0,2\n3,1,4\n"), Options(spec(("X", 2))))
    assert rows(found) == [[1.5, 2.0], [3.0, 4.0]] and labels(found) == [("0",), ("1",)]


def test_columns_are_found_by_the_names_of_the_inputs(write: Write) -> None:
    """Given a model with an input for each column, Then each gets its own, and names and notes are further columns."""
    wanted = spec(("fare", 1), ("age", 1))
    found = read(write("name,age,fare,label\nAnn,30,7.5,yes\nBob,,8,no\n"), Options(wanted))
    assert rows(found, "fare") == [[7.5], [8.0]] and rows(found, "age")[0] == [30.0]
    assert rows(found, "age")[1] != rows(found, "age")[1], "an empty cell is no number"
    assert labels(found) == [("yes",), ("no",)] and found.entries[0].columns == {"name": "Ann"}


def test_whole_numbers_truth_and_decimal_commas_are_read(write: Write) -> None:
    """Given a table of another country with semicolons, Then its commas are decimal points; whole numbers and words for
    truth fit inputs of whole numbers."""
    assert rows(read(write("a;b;label\n1,5;2;0\n2,25;3;1\n"), Options(spec(("X", 2))))) == [[1.5, 2.0], [2.25, 3.0]]
    whole = read(write("a,b\n1,True\n2,false\n"), Options(spec(("X", 2), dtype="int64")))
    assert rows(whole) == [[1, 1], [2, 0]] and all(row.dtype == np.int64 for row in arrays(whole))


def test_column_of_right_numbers_is_chosen_by_the_person(write: Write) -> None:
    """Given a price under a name of its own, Then it is refused as one column too many, until it is named the label."""
    path = write("rooms,size,price\n3,70,250000\n5,120,480000.5\n")
    with pytest.raises(InputRefused) as refused:
        read(path, Options(spec(("X", 2))))
    assert refused.value.code == "no_inputs" and refused.value.facts[LABEL_CHOICES] == ["rooms", "size", "price"]
    found = read(path, Options(spec(("X", 2)), label_column="price"))
    assert [entry.target for entry in found.entries] == [(250000.0,), (480000.5,)]
    with pytest.raises(InputRefused) as refused:
        read(path, Options(spec(("X", 2)), label_column="cost"))
    assert refused.value.code == "no_such_column"


@pytest.mark.parametrize(
    ("text", "wanted", "label"),
    [
        ("a,b,churn\n5,2,stays\n7,3,leaves\n", ("X", 2), "churn"),
        ("a,churn,b\n5,1,2.5\n7,0,3\n", ("X", 2), "churn"),
        ("churn,b,a\n1,2,3\n0,4,5\n", ("a", 1), "churn"),
        ("a,b,note\n5,2,fine\n7,3,bad\n", ("X", 2), ""),
        ("a,b,c\n1,0,1\n0,1,0\n", ("X", 3), ""),
        ("a,b,c\n1,0,7\n0,1.5,9\n", ("X", None), ""),
        ("a,b,is\n" + "1,2,out\n3,4,in\n" * 10, ("X", 2), ""),
    ],
    ids=["names", "numbers", "by name", "a note", "an input of zeros and ones", "any number of inputs", "other names"],
)
def test_labels_are_found_by_the_classes_of_the_model(write: Write, text: str, wanted: Any, label: str) -> None:
    """Given a column of another name, Then it holds the labels if it is no input and holds only the model's classes."""
    classes = replace(spec(wanted), classes=("stays", "leaves"))
    found = read(write(text), Options(classes))
    assert found.label_column == label and all(bool(entry.labels) is bool(label) for entry in found.entries)
    assert found.columns == tuple(text.split("\n")[0].split(","))


@pytest.mark.parametrize(("names", "label"), [(("out", "in"), "is"), (("out", "in", "near"), "")])
def test_names_are_labels_of_a_model_that_knows_only_numbers(write: Write, names: tuple[str, ...], label: str) -> None:
    """Given a model of two classes without names, Then a column of two names holds the labels, to be matched by the
    person; one of three names does not."""
    two = replace(spec(("X", 2)), outputs=(PipelineOutput("y", "float32", (None, 2), answer=True),))
    found = read(write("a,b,is\n" + "".join(f"1,2,{name}\n" for name in names) * 10), Options(two))
    assert found.label_column == label


def test_several_columns_that_may_hold_the_labels_are_the_choice_of_the_person(write: Write) -> None:
    """Given two columns of zeros and ones and one column too many, Then none is taken by chance."""
    with pytest.raises(InputRefused) as refused:
        read(write("a,male,churn\n5,1,0\n7,0,1\n"), Options(spec(("X", 2))))
    assert refused.value.facts[LABEL_CHOICES] == ["a", "male", "churn"] and refused.value.by_command


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a,b\n1,2\n", spec(("user", 1), ("item", 1))),
        ("age,sex\n30,male\n", spec(("age", 1), ("sex", 1))),
        ("a,b,c\n1,2,3\n", spec(("X", 4))),
        ("a,b\nx,y\n", spec(("X", None))),
        ("a,b\n1,2\n", spec(("X", 2), more=(3,))),
    ],
    ids=["other names", "texts in a column", "too few columns", "no numbers", "several axes"],
)
def test_tables_that_do_not_fit_are_refused(write: Write, text: str, wanted: Any) -> None:
    """Given columns that the model does not take, Then the table is refused with a hint, and never cut to fit."""
    with pytest.raises(InputRefused) as refused:
        read(write(text), Options(wanted))
    assert refused.value.code == "no_inputs" and refused.value.hint


def test_rows_are_shown_as_written_in_the_order_of_the_model(write: Write) -> None:
    """Given rows of few numbers, Then each is its item's text; of very wide rows no item has one."""
    found = read(write("age,name,fare,label\n30,Ann,7.50,0\n,Bob,8,1\n"), Options(spec(("fare", 1), ("age", 1))))
    assert [entry.text for entry in found.entries] == ["7.50, 30", "8, "] and found.row_columns == ("fare", "age")
    wide = ",".join(f"a{at}" for at in range(65)) + "\n" + "1" + ",2" * 64 + "\n"
    found = read(write(wide), Options(spec(("X", 65))))
    assert found.entries[0].text is None and found.row_columns == ()


def test_later_tables_are_read_by_the_names_of_the_first_one(write: Write) -> None:
    """Given a table with the known columns in another order and further ones, Then they are read by name; without one
    of them, all of its columns are read in their order."""
    known = Options(spec(("X", 2)), row_columns=("rooms", "size"))
    assert rows(read(write("id,size,price,rooms\n7,70,9,3\n8,80,9,4\n"), known)) == [[3, 70], [4, 80]]
    assert rows(read(write("size,floors\n70,3\n80,4\n"), known)) == [[70, 3], [80, 4]]
    with pytest.raises(InputRefused):
        read(write("id,size,price,rooms\n7,70,9,three\n"), known)


def test_model_of_a_bundle_knows_its_columns(write: Write) -> None:
    """Given a model whose description names the columns, Then a table in another order is read by name, unless an
    earlier table says otherwise."""
    described = spec(("X", 2))
    described = replace(described, inputs=(replace(described.inputs[0], columns=("rooms", "size")),))
    path = write("id,size,price,rooms\n7,70,9,3\n8,80,9,4\n")
    assert rows(read(path, Options(described))) == [[3, 70], [4, 80]]
    assert rows(read(path, Options(described, row_columns=("price", "id")))) == [[9, 7], [9, 8]]


def test_columns_of_one_name_are_read_in_their_order(write: Write) -> None:
    """Given a table whose headings repeat, When it is read again by its own columns, Then no column is read twice."""
    path = write("x,x,z\n1,2,3\n4,5,6\n")
    found = read(path, Options(spec(("X", 3))))
    assert rows(read(path, Options(spec(("X", 3)), row_columns=found.row_columns))) == [[1, 2, 3], [4, 5, 6]]


def test_calibration_is_read_by_the_columns_of_the_test_set(
    run_data: Callable[..., tuple[DataResult, Path]], write: Write, tmp_path: Path
) -> None:
    """Given calibration rows with the same columns in another order, Then each number goes where it went for the test."""
    head = "a,b,c,d\n"
    path = write(head + "".join(f"{n},{n}.1,{n}.2,{n}.3\n" for n in range(20)))
    other = tmp_path / "calibration.csv"
    other.write_text("d,c,b,a\n" + "".join(f"{n}.3,{n}.2,{n}.1,{n}\n" for n in range(50, 60)), encoding="utf-8")
    _result, folder = run_data("numbers", path, calibration_path=str(other))
    shares = {round(float(row["input"][0, 1] % 1), 3) for row in Prepared(folder / "calibration")}
    assert shares == {0.1}


def test_long_note_takes_no_more_memory_than_it_has_letters(write: Write) -> None:
    """Given a note of a million letters beside 50,000 short ones, Then the table is read: as texts of one length they
    would take 200 GB."""
    found = read(write("a,note\n1," + "x" * 1_000_000 + "\n" + "2,y\n" * 50_000), Options(spec(("X", 1))))
    assert len(found.entries) == 50_001 and len(found.entries[0].columns["note"]) == 1_000_000


@pytest.mark.parametrize(
    ("text", "is_numbers"),
    [
        ("a,b,label\n1,2,cat\n", True),
        ("a,b,churn\n" + "1,2,stays\n3,4,leaves\n" * 10, True),
        ("text,label\nhello,1\n", False),
        ("id,note\n1,fine\n", False),
        ("id,stars,text\n" + "1,2,fine\n" * 20, False),
        ("id,stars,note\n1,2,fine\n3,4,bad\n", False),
    ],
)
def test_data_check_tells_numbers_from_texts(write: Write, text: str, is_numbers: bool) -> None:
    """Given a table and no model, Then it holds numbers if all its columns but the label do."""
    assert holds_numbers(write(text)) is is_numbers
