"""One row of numbers as text."""

from typing import Any

import numpy as np
import pytest

from workers.pipeline.rows import row_of
from workers.pipeline.spec import ArraySteps, PipelineError, PipelineInput, PipelineSpec


def spec(*inputs: tuple[str, int | None], dtype: str = "float32") -> PipelineSpec:
    entries = tuple(PipelineInput(name, dtype, (None, size), "array") for name, size in inputs)
    return PipelineSpec(task="arrays", inputs=entries, outputs=(), preprocess=ArraySteps(), answer_kind="class")


@pytest.mark.parametrize(
    ("text", "wanted", "values"),
    [
        ("7.50, 30", spec(("fare", 1), ("age", 1)), {"fare": [7.5], "age": [30]}),
        ("1,5;2\n3;4", spec(("X", 2)), {"X": [1.5, 2]}),
        ("  1 -2e3  3 ", spec(("X", 3)), {"X": [1, -2000, 3]}),
        ("1\t\ttrue", spec(("X", 3)), {"X": [1, np.nan, 1]}),
        ("1, 2, 3", spec(("X", None), dtype="int64"), {"X": [1, 2, 3]}),
    ],
    ids=["inputs by name", "decimal commas", "blanks", "an empty cell", "any number"],
)
def test_row_is_read_as_in_a_table(text: str, wanted: PipelineSpec, values: Any) -> None:
    """Given a typed or copied row, Then its numbers are the model's inputs in its order."""
    found = row_of(text, wanted)
    assert found.keys() == values.keys()
    assert all(np.array_equal(found[name], values[name], equal_nan=True) for name in values)


@pytest.mark.parametrize("text", ["", "1", "1, 2, 3", "1, two", ";;;;"])
def test_row_that_does_not_fit_is_refused(text: str) -> None:
    """Given too few or too many numbers or a word, Then the row is refused, never cut or filled up."""
    with pytest.raises(PipelineError):
        row_of(text, spec(("X", 2)))
