"""Expected outputs from files: forms that are read, and what is refused with facts."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import small_spec

from workers.contracts.errors import InputRefused
from workers.explain.expected import check_shapes, read_expected
from workers.pipeline.spec import ArraySteps

SPEC = small_spec("array-classification", "array", (None, 4), (None, 3), ArraySteps())
SOURCES = ("a/one.png", "a/two.png")
VALUES = np.array([[1, 2, 3], [4, 5.5, 6]], np.float32)


def written(folder: Path, form: str) -> Path:
    path = folder / f"expected.{form.split()[0]}"
    if form == "npz":
        np.savez(path, output=VALUES)
    elif form == "npz files":
        np.savez(path, output=VALUES[::-1], files=["two.png", "one.png"])
    elif form == "csv":
        path.write_text("file,output_0,output_1,output_2\na/two.png,4,5.5,6\na/one.png,1,2,3\n")
    elif form == "csv lists":
        path.write_text('output\n"[1, 2, 3]"\n"[4, 5.5, 6]"\n')
    else:
        path.write_text("".join(json.dumps({"output": row.tolist()}) + "\n" for row in VALUES))
    return path


@pytest.mark.parametrize("form", ["npz", "npz files", "csv", "csv lists", "jsonl"])
def test_expected_outputs_are_read_in_the_order_of_the_data(tmp_path: Path, form: str) -> None:
    """Given the same outputs in each form, Then each entry gets its own row."""
    rows = read_expected(written(tmp_path, form), SPEC, SOURCES)
    assert np.array_equal(np.concatenate([row["output"] for row in rows]), VALUES)


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"output": VALUES[:1]}, "other_count"),
        ({"output": VALUES, "more": VALUES[:1]}, "unequal_rows"),
        ({"one": VALUES, "two": VALUES}, "other_outputs"),
        ({"output": VALUES, "files": ["one.png", "three.png"]}, "other_files"),
        ({"output": np.array(["a", "b"])}, "no_numbers"),
        ({"output": np.array([{}, {}], dtype=object)}, "damaged"),
        ({}, "unequal_rows"),
    ],
)
def test_expected_outputs_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Any], why: str) -> None:
    """Given another count, other names, texts or Python objects, Then they are refused with the reason as a fact."""
    np.savez(tmp_path / "expected.npz", **arrays)
    with pytest.raises(InputRefused) as refused:
        read_expected(tmp_path / "expected.npz", SPEC, SOURCES)
    assert refused.value.code == "bad_expected" and refused.value.facts["why"] == why


def test_expected_outputs_of_another_shape_are_refused() -> None:
    """Given four values where the model gives three, Then both shapes are facts."""
    with pytest.raises(InputRefused) as refused:
        check_shapes({"output": np.zeros((1, 4))}, {"output": np.zeros((1, 3))}, ("output", np.zeros((1, 3))))
    assert (refused.value.facts["expected"], refused.value.facts["model"]) == ([4], [3])


def test_damaged_lines_are_refused(tmp_path: Path) -> None:
    """Given a line that is no JSON object, Then its number is a fact."""
    path = tmp_path / "expected.jsonl"
    path.write_text('{"output": [1, 2, 3]}\nnonsense\n')
    with pytest.raises(InputRefused) as refused:
        read_expected(path, SPEC, SOURCES)
    assert refused.value.facts["line"] == 2


@pytest.mark.parametrize(
    ("name", "text", "codes"),
    [
        ("long.jsonl", f'{{"output": [{"9" * 400}, 2, 3]}}\n' * 2, ("bad_expected", "no_numbers")),
        ("long.csv", f"output_0,output_1,output_2\n{'9' * 400},2,3\n1,2,3\n", ("bad_expected", "no_numbers")),
        ("sparse.jsonl", json.dumps({f"k_{n}": 1 for n in range(5000)}) + '\n{"a": 1}' * 1500, ("bad_table", None)),
    ],
)
def test_hostile_tables_are_refused(tmp_path: Path, name: str, text: str, codes: tuple[str, str | None]) -> None:
    """Given a number of 400 digits, or 5,000 columns that 1,500 short rows lack, Then they are refused."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InputRefused) as refused:
        read_expected(tmp_path / name, SPEC, SOURCES)
    assert (refused.value.code, refused.value.facts.get("why")) == codes


def test_one_long_file_name_takes_its_own_memory_only(tmp_path: Path) -> None:
    """Given 2,000 rows and one file name of 1,000,000 letters, Then reading takes less than 100 MB."""
    path = tmp_path / "expected.jsonl"
    names = ["a" * 1_000_000, *map(str, range(2000))]
    path.write_text("".join(json.dumps({"file": name, "output": [1, 2, 3]}) + "\n" for name in names))
    tracemalloc.start()
    assert len(read_expected(path, SPEC, names[1:])) == 2000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20
