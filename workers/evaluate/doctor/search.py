"""Search the best preprocessing: one axis after the other, many variants on few examples, few on many.

Successive halving (Jamieson & Talwalkar 2016, arXiv 1502.07943) along each axis of a coordinate search.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.evaluate.doctor.evidence import PreparationScore, Scorer, compared
from workers.pipeline.spec import AudioSteps, Preprocess

Axis = Callable[[Any], Sequence[Preprocess]]
"""Returns a preprocessing with every plausible value of one of its properties."""

Axes = tuple[list[Axis], list[Axis]]
"""Axes of both searches, and those that only the long one tries; the most informative first."""


def oddness(steps: Preprocess) -> int:
    """Return how many settings of a preprocessing are unusual.

    Among preprocessings that cannot be distinguished, the one with the smallest number counts.
    """
    usual = type(steps)()
    left_out = {"tokenizer", "max_length", "resize", "crop", "mean", "std"}
    changed = [name for name, value in vars(steps).items() if name not in left_out and value != getattr(usual, name)]
    # 512 samples after 64 context samples are as usual as 512 alone
    is_usual = isinstance(steps, AudioSteps) and (steps.frame_samples, steps.context_samples) == (512, 64)
    return len(changed) - is_usual


FIRST, FIRST_QUICK = 12, 8
"""Every variant is tried on this many examples. Half of the variants go on to twice as many."""
KEPT, FINAL_ROWS = 2, 4
HOPELESS = 0.001
"""A variant that loses to the best so far with this p-value of the sign test is not tried on more examples."""
FINAL_SHARE = 0.45
"""Share of the time for the last comparison on all examples."""
OVERTIME = 3.0
"""The last comparison may take this many times as long if it is undecided, because a result by chance would be stored.
"""
STAGE = mark("Trying ways to prepare the examples")


@dataclass
class Search:
    """A search over preprocessings, with the results of all that were tried. The job owns one instance.

    Attributes:
        scorer: Scores preprocessings.
        ctx: Context of the job.
        seconds: Time limit in seconds.
        quick: Whether this is the short search before a run.
        began_s: Start on the monotonic clock, in seconds.
        rows: Results by preprocessing, in the order in which they were tried.
        stopped_early: Whether the time ended before everything was tried.
    """

    scorer: Scorer
    ctx: JobContext
    seconds: float
    quick: bool = False
    began_s: float = field(default_factory=time.monotonic)
    rows: dict[Preprocess, PreparationScore] = field(default_factory=dict)
    stopped_early: bool = False

    def run(self, chosen: Preprocess, starts: Sequence[Preprocess], axes: Sequence[Axis]) -> list[PreparationScore]:
        """Run the search and return the rows of the last comparison, the best first; the chosen one is among them.

        The first axis begins at the last of `starts`.
        """
        everything = len(self.scorer.material.examples)
        best = [self.row(steps) for steps in dict.fromkeys((*starts, chosen))]
        self.race(best, min(self.first, everything))
        for number, axis in enumerate(axes):
            self.ctx.progress(STAGE, number, len(axes) + 1, "settings")
            origins = _ranked(best)[:KEPT] if number else [self.row(starts[-1])]
            variants = [self.row(steps) for row in origins for steps in axis(row.steps)]
            rows = {id(row): row for row in (*best, *variants)}
            best = self.race(list(rows.values()), min(4 * self.first, everything))
        self.ctx.progress(STAGE, len(axes), len(axes) + 1, "settings")
        final_rows = _ranked(self.rows.values())[: 1 if self.quick else FINAL_ROWS]
        if self.row(chosen) not in final_rows:
            final_rows.append(self.row(chosen))
        self.race(final_rows, everything, halving=False, until=OVERTIME)
        self._catch_up(self.row(chosen), max(row.n for row in final_rows))
        self.ctx.progress(STAGE, len(axes) + 1, len(axes) + 1, "settings")
        return sorted(final_rows, key=lambda row: (row.mean, row.rank), reverse=True)

    def _catch_up(self, chosen: PreparationScore, count: int) -> None:
        """Score the chosen preprocessing on as many examples as the best if there is time.

        It may have dropped out early.
        """
        while chosen.n < count and not chosen.problem and not self._is_late(OVERTIME):
            self.ctx.check_cancelled()
            self.scorer.extend(chosen, min(chosen.n + self.first, count))

    @property
    def first(self) -> int:
        """Return the number of examples that every variant is tried on."""
        return FIRST_QUICK if self.quick else FIRST

    def row(self, steps: Preprocess) -> PreparationScore:
        """Return the row of a preprocessing, the same one each time."""
        if steps not in self.rows:
            self.rows[steps] = replace(self.scorer.row(steps), number=len(self.rows))
        return self.rows[steps]

    def race(
        self, rows: list[PreparationScore], most: int, *, halving: bool = True, until: float | None = None
    ) -> list[PreparationScore]:
        """Score rows on more and more examples and return them, best first; after each lap the worse half drops out.

        Args:
            rows: The rows.
            most: Largest number of examples.
            halving: Whether the worse half drops out after each lap.
            until: Share of the time after which the race ends. The short search may take longer, because on a busy
                computer it would otherwise end before it has tried every axis.
        """
        if until is None:
            until = (1 - FINAL_SHARE) * (OVERTIME if self.quick else 1.0)
        lap = min(self.first, most)
        running = rows
        while True:
            for row in running:
                self.ctx.check_cancelled()
                if self._is_late(until):
                    self.stopped_early = True
                    if not halving:
                        _level(running)
                    return _ranked(running)
                self.scorer.extend(row, lap)
            running = _in_the_running(running)
            if lap >= most or not running:
                return _ranked(running)
            if halving:
                running = _ranked(running)[: max(KEPT, math.ceil(len(running) / 2))]
                if len(running) <= KEPT:
                    return running
            lap = min(2 * lap if halving else lap + self.first, most)

    def _is_late(self, share: float) -> bool:
        return time.monotonic() - self.began_s > share * self.seconds


def _level(rows: Iterable[PreparationScore]) -> None:
    """Cut the rows to the number of examples that all of them were tried on."""
    able = [row for row in rows if not row.problem]
    count = min((row.n for row in able), default=0)
    for row in able:
        row.cut(count)


def _in_the_running(rows: list[PreparationScore]) -> list[PreparationScore]:
    """Return the rows without those that fail and those that are surely worse than the best."""
    able = _ranked(rows)
    return [row for row in able if row is able[0] or compared(able[0], row)[0] >= HOPELESS]


def _ranked(rows: Iterable[PreparationScore]) -> list[PreparationScore]:
    return sorted((row for row in rows if not row.problem), key=lambda row: row.rank, reverse=True)
