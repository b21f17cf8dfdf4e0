"""Apply all planned changes to every example, and let both versions predict the same changed inputs."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.after.stress import Measure
from workers.contracts.translation import mark
from workers.evaluate.stress.base import Generator, Stress, Takes
from workers.evaluate.stress.kinds import numbers, pictures, sounds, texts
from workers.evaluate.stress.paired import Pairs
from workers.evaluate.stress.pixels import to_image
from workers.evaluate.stress.samples import SampledExamples
from workers.evaluate.stress.scoring import measure_of, score_pair
from workers.evaluate.stress.versions import CHANGES_UNTIL, Comparison, Values
from workers.pipeline.spec import PipelineError

FEWEST = 10
"""At least this many examples are evaluated, regardless of the time."""
FOLDER = "pictures"
SIDE_PX = 112
STAGES = {
    "images": mark("Running both versions on changed pictures"),
    "texts": mark("Running both versions on changed texts"),
    "audio": mark("Running both versions on changed sounds"),
    "arrays": mark("Running both versions on changed numbers"),
}

Plan = Sequence[tuple[Stress, tuple[int, ...]]]


KINDS = (*pictures.KINDS, *texts.KINDS, *sounds.KINDS, *numbers.KINDS)
"""The rows of all tables; those of one kind of input are in the order of the report."""


def planned(takes: Takes, full: bool, color: bool = True) -> Plan:
    """Return the kinds for such inputs with their severities: all of them, or those of quick mode."""
    rows = []
    for stress in KINDS:
        severities = tuple(range(1, len(stress.levels) + 1)) if full else stress.quick
        if stress.takes == takes and severities and (color or not stress.needs_color):
            rows.append((stress, severities))
    return rows


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

    measure: Measure = "agreement"
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


def evaluate_changes(both: Comparison, items: Sequence[SampledExamples], plan: Plan) -> StressedExamples:
    """Evaluate both versions example by example, so that all cells hold the same examples whenever the time ends."""
    stressed = StressedExamples()
    total_s = max(both.remaining_s(CHANGES_UNTIL), 1e-3)
    stage = STAGES[both.samples.takes]
    for number, given in enumerate(items):
        both.ctx.check_cancelled()
        left_s = both.remaining_s(CHANGES_UNTIL)
        reachable = len(items)
        if number >= FEWEST:
            reachable = min(len(items), int(number * total_s / max(total_s - left_s, 1e-3)) + 1)
        both.ctx.progress(stage, number, max(reachable, number + 1), "examples")
        if len(stressed.items) >= FEWEST and left_s <= 0:
            stressed.stopped_early = True
            break
        try:
            sample = both.samples.open(given)
        except (PipelineError, OSError):
            stressed.unreadable += 1
            continue
        clean = both.predictions(given, sample)
        if not stressed.cells:
            stressed.measure = measure_of(both.old.pipeline, items, clean[0])
            stressed.cells = {stress.id: {severity: [] for severity in wanted} for stress, wanted in plan}
            _draw("clean", sample, both, stressed)
        _evaluate(number, given, sample, clean, plan, both, stressed)
    both.ctx.progress(stage, 1, 1, "examples")
    return stressed


def _evaluate(
    number: int, given: SampledExamples, sample: Any, clean: tuple[Values, Values], plan: Plan, both: Comparison,
    stressed: StressedExamples,
) -> None:  # fmt: skip
    """Append the scores of one example; it counts in all cells or in none."""
    pipeline, measure = both.old.pipeline, stressed.measure
    base = score_pair(pipeline, measure, given, clean[0], *clean)
    if base is None:
        return
    for stress, severities in plan:
        for severity in severities:
            both.ctx.check_cancelled()
            changed = stress.apply(sample, severity, rng_of(both.ctx.seed, number, stress.id, severity))
            if not stressed.items and severity == severities[len(severities) // 2]:
                _draw(stress.id, changed, both, stressed)
            pair = score_pair(pipeline, measure, given, clean[0], *both.predictions(given, changed))
            stressed.cells[stress.id][severity].append(base if pair is None else pair)
    stressed.items.append(given)
    stressed.clean.append(base)
    stressed.references.append(clean)


def _draw(name: str, sample: Any, both: Comparison, stressed: StressedExamples) -> None:
    if both.samples.takes == "images":
        stressed.pictures[name] = draw(sample, name, both.ctx.work_dir)


def draw(sample: Any, name: str, work_dir: Path) -> str:
    """Write a PNG of at most 112 pixels a side, and return its name below the work folder."""
    from PIL import Image

    (work_dir / FOLDER).mkdir(exist_ok=True)
    picture = to_image(sample)
    scale = SIDE_PX / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR
    picture.resize(size, method).save(work_dir / FOLDER / f"{name}.png")
    return f"{FOLDER}/{name}.png"
