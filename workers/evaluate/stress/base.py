"""One kind of stress: how an input is changed at each severity. A kind is one row of a table in `stress.kinds`."""

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
class Row:
    """One item's array of numbers, with each feature's center, spread (standard deviation) and range over the set."""

    values: NDArray[Any]
    center: Floats
    spread: Floats
    low: Floats
    high: Floats

    def fitted(self, values: NDArray[Any]) -> NDArray[Any]:
        """In the shape and dtype of the item; whole numbers stay within what was seen."""
        if self.values.dtype.kind in "iu":
            values = np.clip(np.round(values), self.low, self.high)
        return np.asarray(values, self.values.dtype).reshape(self.values.shape)


@dataclass(frozen=True)
class Stress:
    """`change(sample, strength, rng)` gives a changed copy of the same shape and dtype; one strength for each severity.

    Samples: pictures are float32 (H, W, 1 or 3) in 0..1, texts are str, sounds float32 (n,) in −1..1, numbers a `Row`
    (and the answer an array). `levels` are the severities in words, `quick` those of quick mode. `scene` begins a
    sentence ("In fog"). With `needs_color` it says nothing about models that see gray alone.
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
        """The sample at a severity, which counts from 1."""
        return self.change(sample, self.strengths[severity - 1], rng)
