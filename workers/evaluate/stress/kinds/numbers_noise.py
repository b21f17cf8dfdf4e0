"""Numbers that are a little off: a normal error relative to each feature's spread."""

from typing import Any

from numpy.typing import NDArray

from workers.evaluate.stress.base import Generator, Row, Stress

SHARE = (0.1, 0.25, 0.5)


def apply(row: Row, severity: int, rng: Generator) -> NDArray[Any]:
    error = rng.normal(0, 1, row.values.shape) * row.spread * SHARE[severity - 1]
    return row.fitted(row.values.astype("float64") + error)


STRESS = Stress(
    "numbers_noise", "Inexact numbers", "With inexact numbers", "arrays", "numbers",
    "errors of 10, 25 and 50 % of each feature's spread", 10, ("10 %", "25 %", "50 %"), (1, 2, 3), apply,
)  # fmt: skip
