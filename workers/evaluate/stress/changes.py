"""Change every example in all planned ways, and let both versions predict the same changed inputs."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.after.stress import Measure
from workers.contracts.process.context import JobContext
from workers.evaluate.stress.base import Generator, Stress
from workers.evaluate.stress.paired import Pairs
from workers.evaluate.stress.pixels import as_8_bits
from workers.evaluate.stress.samples import SampledExamples, Samples
from workers.evaluate.stress.scoring import Scorer, Values, scorer_for
from workers.evaluate.stress.versions import Version
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import PipelineError

FEWEST = 10
"""At least this many examples are evaluated, regardless of the time."""
FOLDER = "pictures"
SIDE_PX = 112
STAGES = {
    "images": "Changing pictures and asking both versions",
    "texts": "Changing texts and asking both versions",
    "audio": "Changing sounds and asking both versions",
    "arrays": "Changing numbers and asking both versions",
}

Plan = Sequence[tuple[Stress, tuple[int, ...]]]


@dataclass
class StressedExamples:
    """Scores of both versions on changed examples.

    Attributes:
        measure: What a score measures.
        items: The examples that count.
        clean: Scores of both versions for each unchanged example.
        cells: `cells[kind][severity]` holds the scores of both versions for each example.
        references: Predictions of both versions for each unchanged example.
        pictures: Names of small pictures of examples.
        unreadable: Number of examples that cannot be read.
        stopped_early: Whether the time ended before all examples were evaluated.
    """

    measure: Measure
    items: list[SampledExamples] = field(default_factory=list)
    clean: list[tuple[float, float]] = field(default_factory=list)
    cells: dict[str, dict[int, list[tuple[float, float]]]] = field(default_factory=dict)
    references: list[tuple[Values, Values]] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)
    unreadable: int = 0
    stopped_early: bool = False

    def pairs(self, stress: Stress, severities: Sequence[int]) -> list[Pairs]:
        """Return the scores (n, 2) of each severity."""
        return [np.asarray(self.cells[stress.id][severity], np.float64) for severity in severities]


def rng_of(seed: int, number: int, kind: str, severity: int) -> Generator:
    """Return a generator that depends only on example, kind and severity, so that changes are reproducible."""
    return np.random.default_rng([seed, number, zlib.crc32(kind.encode()), severity])


class Asking:
    """Evaluates both versions on changed examples. The stress job owns one instance."""

    def __init__(
        self, old: Version, new: Version, samples: Samples, ctx: JobContext, left: Callable[[], float]
    ) -> None:
        """Create the evaluation; `left()` returns the remaining seconds of this part."""
        self._old, self._new, self._samples, self._ctx, self._left = old, new, samples, ctx, left

    def run(self, items: Sequence[SampledExamples], plan: Plan) -> StressedExamples:
        """Evaluate example by example, so that all cells hold the same examples whenever the time ends."""
        found: StressedExamples | None = None
        scorer: Scorer | None = None
        total_s = max(self._left(), 1e-3)
        stage = STAGES[self._samples.takes]
        for number, given in enumerate(items):
            self._ctx.check_cancelled()
            spent_s = total_s - self._left()
            reach = len(items) if number < FEWEST else min(len(items), int(number * total_s / max(spent_s, 1e-3)) + 1)
            self._ctx.progress(stage, number, max(reach, number + 1), "examples")
            if found is not None and len(found.items) >= FEWEST and self._left() <= 0:
                found.stopped_early = True
                break
            try:
                sample = self._samples.open(given)
            except (PipelineError, OSError):
                found = found or StressedExamples("agreement")
                found.unreadable += 1
                continue
            clean = self._both(given, sample)
            if scorer is None:
                scorer = scorer_for(self._old.pipeline, list(items), clean[0])
                found = StressedExamples(scorer.measure, unreadable=found.unreadable if found else 0)
                found.cells = {stress.id: {severity: [] for severity in wanted} for stress, wanted in plan}
                self._draw("clean", sample, found)
            assert found is not None
            self._one(number, given, sample, clean, plan, scorer, found)
        self._ctx.progress(stage, 1, 1, "examples")
        return found or StressedExamples("agreement")

    def _one(
        self, number: int, given: SampledExamples, sample: Any, clean: tuple[Values, Values], plan: Plan,
        scorer: Scorer, found: StressedExamples,
    ) -> None:  # fmt: skip
        base = scorer.score(given, clean[0], *clean)
        if base is None:
            return
        rows = []
        for stress, severities in plan:
            for severity in severities:
                self._ctx.check_cancelled()
                changed = stress.apply(sample, severity, rng_of(self._ctx.seed, number, stress.id, severity))
                if not found.items and severity == severities[len(severities) // 2]:
                    self._draw(stress.id, changed, found)
                pair = scorer.score(given, clean[0], *self._both(given, changed))
                rows.append((stress.id, severity, base if pair is None else pair))
        found.items.append(given)
        found.clean.append(base)
        found.references.append(clean)
        for kind, severity, pair in rows:
            found.cells[kind][severity].append(pair)

    def _both(self, given: SampledExamples, sample: Any) -> tuple[Values, Values]:
        feeds = self._samples.feeds(self._old.pipeline, given, sample)
        return self._old.answer(feeds), self._new.answer(self.feeds_of_new(given, sample, feeds))

    def feeds_of_new(self, given: SampledExamples, sample: Any, feeds: Arrays) -> Arrays:
        """Return the new version's inputs, prepared in its own way if it prepares inputs differently."""
        if self._new.pipeline.spec == self._old.pipeline.spec:
            return feeds
        return self._samples.feeds(self._new.pipeline, given, sample)

    def _draw(self, name: str, sample: Any, found: StressedExamples) -> None:
        if self._samples.takes == "images":
            found.pictures[name] = draw(sample, name, self._ctx.work_dir)


def draw(sample: Any, name: str, work_dir: Path) -> str:
    """Write a PNG of at most 112 pixels a side, and return its name below the work folder."""
    from PIL import Image

    (work_dir / FOLDER).mkdir(exist_ok=True)
    values = as_8_bits(sample)
    picture = Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values)
    scale = SIDE_PX / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR
    picture.resize(size, way).save(work_dir / FOLDER / f"{name}.png")
    return f"{FOLDER}/{name}.png"
