"""Define one kind of stress: how an input is changed at each severity.

A kind is one row of a table in `stress.kinds`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import Group

Floats = NDArray[np.float32]
Generator = np.random.Generator
Takes = Literal["images", "texts", "audio", "arrays"]

FIVE = ("1", "2", "3", "4", "5")
SHARES = (0.05, 0.10, 0.20)
SHARE_WORDS = ("5 %", "10 %", "20 %")


@dataclass(frozen=True)
class NumberSample:
    """One item's array of numbers, with center, spread (standard deviation) and range of each feature over the set."""

    values: NDArray[Any]
    center: Floats
    spread: Floats
    low: Floats
    high: Floats

    def fitted(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values in the shape and dtype of the item; integers stay within the observed range."""
        if self.values.dtype.kind in "iu":
            values = np.clip(np.round(values), self.low, self.high)
        return np.asarray(values, self.values.dtype).reshape(self.values.shape)


@dataclass(frozen=True)
class Stress:
    """One kind of stress. A table in `stress.kinds` owns each instance.

    Pictures are float32 (H, W, 1 or 3) in 0..1, texts are str, sounds are float32 (n,) in −1..1. Numbers are a
    `NumberSample`, and their change returns an array.

    Attributes:
        id: Unique name.
        title: Name for people.
        scene: Beginning of a sentence ("In fog").
        change: `change(sample, strength, rng)` returns a changed copy of the same shape and dtype.
        strengths: One strength for each severity.
        takes: Kind of samples.
        group: Group in the report.
        source: Paper or scale of the severities.
        levels: Severities in words.
        quick: Severities of quick mode.
        needs_color: Whether the kind is meaningless for models that see only gray.
    """

    id: str
    title: str
    scene: str
    change: Callable[[Any, Any, Generator], Any]
    strengths: tuple[Any, ...]
    takes: Takes
    group: Group
    source: str
    levels: tuple[str, ...]
    quick: tuple[int, ...]
    needs_color: bool = False

    def apply(self, sample: Any, severity: int, rng: Generator) -> Any:
        """Return the sample at a severity, which counts from 1."""
        return self.change(sample, self.strengths[severity - 1], rng)
