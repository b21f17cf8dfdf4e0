"""Describe one side of a comparison with everything that may be tried on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.arrays import main_input_of
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import PipelineInput, PipelineSpec, Preprocess

Rows = list[NDArray[np.float32]]
"""Answers of all examples, one array for each."""

FeedChange = Callable[[Arrays, PipelineSpec], Arrays]
"""Changes the prepared inputs of one example; hashable."""

AnswerChange = Callable[[Rows, Rows], tuple[Rows, Rows]]
"""Changes the answers of both sides so that they can be compared; hashable. Raises ValueError if they do not suit it.
"""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: how its inputs are prepared, and how its answers are read.

    Attributes:
        spec: Description of its inputs and outputs.
        folder: Folder of its tokenizer.
        feeds: Changes of the prepared inputs, in their order.
        answers: Changes of both sides' answers, in their order.
        model: Folder of a changed copy of the model; None for the model itself.
        repeats: Number of equal requests whose answers are averaged.
        as_shares: Whether the changed answers are probabilities on both sides.
    """

    spec: PipelineSpec
    folder: Path
    feeds: tuple[FeedChange, ...] = ()
    answers: tuple[AnswerChange, ...] = ()
    model: Path | None = None
    repeats: int = 1
    as_shares: bool = False

    @property
    def main(self) -> PipelineInput:
        """Return the input that receives the user's data."""
        return main_input_of(self.spec)

    def with_steps(self, steps: Preprocess) -> "Side":
        """Return the same side with another preprocessing."""
        return replace(self, spec=replace(self.spec, preprocess=steps))

    def with_answers(self, change: AnswerChange, *, as_shares: bool = False) -> "Side":
        """Return the same side with one more change of the answers."""
        return replace(self, answers=(*self.answers, change), as_shares=as_shares or self.as_shares)

    @property
    def run_key(self) -> tuple[Any, ...]:
        """Return what decides the side's own answers, without the changes that follow."""
        return (self.spec.preprocess, self.folder, self.feeds, self.model, self.repeats)
