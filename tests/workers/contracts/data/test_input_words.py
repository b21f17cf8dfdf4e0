"""Format the numbers that a model receives."""

import pytest

from workers.contracts.data.fed import FedInput, number_words, range_words, shape_words


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.0, "0"), (-2.1179, "−2.12"), (2.64, "2.64"), (-0.0312, "−0.031"), (0.00021, "0.00021"), (255.0, "255"),
        (24725.0, "24,725"), (4939.571, "4,940"), (3e-9, "3e-09"), (2.5e12, "2.5e+12"), (1.0, "1"), (-0.5, "−0.5"),
    ],
)  # fmt: skip
def test_number_words_keep_the_size_of_a_number(value: float, wanted: str) -> None:
    assert number_words(value) == wanted


def test_range_and_shape_words_of_an_input() -> None:
    """Given an input, Then its range has its mean; one single value and no finite value have their own words."""
    entry = FedInput(name="x", dtype="float32", shape=(1, 3, 2048), low=-2.1179, high=2.64, mean=-0.0312)
    assert range_words(entry) == "−2.12 to 2.64, mean\u00a0−0.031" and shape_words(entry) == "1 × 3 × 2,048"
    assert range_words(entry.model_copy(update={"low": 7.0, "high": 7.0, "mean": 7.0})) == "all 7"
    assert range_words(entry.model_copy(update={"low": None})) == "no finite numbers"
    assert shape_words(entry.model_copy(update={"shape": ()})) == "one number"
