"""Paired tests over all cells of a report, and what they say in words.

Within one cell each example stands once: exact McNemar. Over the severities of a kind the copies of one example are a
cluster: the sign of its summed differences counts once (exact sign test). Holm holds the chance of any false alarm over
all of these tests together, whatever their dependence.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts import wording
from workers.contracts.stress import Measure, StressCell, StressRow, StressVerdict, UnfamiliarRow
from workers.evaluate.proof.stats import holm, mcnemar_p
from workers.evaluate.stress.base import Stress

LEVEL = 0.05
NOTABLE = 0.02
"""A loss that is worth a word though it may be chance."""

Pairs = NDArray[np.float64]
"""(n, 2): the original's and the optimized one's score of each example."""


def cell_of(severity: int, level: str, pairs: Pairs) -> StressCell:
    """The figures of one cell; Holm and the verdict come when all cells are there."""
    worse, better = int((pairs[:, 0] > pairs[:, 1]).sum()), int((pairs[:, 0] < pairs[:, 1]).sum())
    return StressCell(
        severity=severity,
        level=level,
        n=len(pairs),
        original=float(pairs[:, 0].mean()),
        optimized=float(pairs[:, 1].mean()),
        worse=worse,
        better=better,
        p=mcnemar_p(worse, better),
    )


def row_of(stress: Stress, severities: Sequence[int], pairs: Sequence[Pairs], picture: str | None) -> StressRow:
    """One kind: its cells, and the sign test over the examples' sums."""
    cells = tuple(
        cell_of(severity, stress.levels[severity - 1], one) for severity, one in zip(severities, pairs, strict=True)
    )
    sums = np.sum([one[:, 0] - one[:, 1] for one in pairs], axis=0)
    p = mcnemar_p(int((sums > 1e-9).sum()), int((sums < -1e-9).sum()))
    return StressRow(
        id=stress.id, title=stress.title, group=stress.group, source=stress.source, cells=cells, p=p, picture=picture
    )


def judged(
    clean: StressCell, rows: Sequence[StressRow], scenes: dict[str, str], measure: Measure
) -> tuple[StressCell, list[StressRow]]:
    """The clean cell and the rows with Holm's p-values, verdicts and words."""
    p_values = [clean.p, *(p for row in rows for p in (row.p, *(cell.p for cell in row.cells)))]
    adjusted = iter(holm(p_values))
    p_clean = next(adjusted)
    clean = clean.model_copy(update={"p_holm": p_clean, "verdict": _verdict(p_clean, clean.drop)})
    done = []
    for row in rows:
        p_holm = next(adjusted)
        cells = []
        for cell in row.cells:
            p_cell = next(adjusted)
            verdict = _verdict(p_cell, cell.drop)
            cells.append(cell.model_copy(update={"p_holm": p_cell, "verdict": verdict}))
        named = row.model_copy(update={"p_holm": p_holm, "cells": tuple(cells)})
        verdict = _row_verdict(named)
        said = _words(named, verdict, scenes[row.id], measure, clean)
        done.append(named.model_copy(update={"verdict": verdict, "words": said}))
    return clean, done


def _verdict(p_holm: float, drop: float) -> StressVerdict:
    if p_holm <= LEVEL and drop > 0:
        return "worse"
    return "unclear" if drop >= NOTABLE else "even"


def _row_verdict(row: StressRow) -> StressVerdict:
    if row.p_holm <= LEVEL and sum(cell.drop for cell in row.cells) > 0:
        return "worse"
    verdicts = [cell.verdict for cell in row.cells]
    return "worse" if "worse" in verdicts else "unclear" if "unclear" in verdicts else "even"


def worst_of(row: StressRow) -> StressCell:
    """The cell that loses most, among those that are proven where any is."""
    proven = [cell for cell in row.cells if cell.verdict == "worse"]
    return max(proven or row.cells, key=lambda cell: cell.drop)


def _words(row: StressRow, verdict: StressVerdict, scene: str, measure: Measure, clean: StressCell) -> str:
    worst = worst_of(row)
    loss = percent(worst.drop)
    where = f"{scene} (severity {worst.level})" if row.group in ("corruption", "drift") else f"{scene} ({worst.level})"
    if verdict == "worse" and measure == "likeness":
        return f"{where} {loss} of the optimized model's answers are no longer like the original's."
    if verdict == "worse":
        before = "" if clean.drop < NOTABLE / 2 else f"; on unchanged inputs it is {percent(clean.drop)}"
        return f"{where} the optimized model {_loses(measure, loss)} than the original{before}."
    if verdict == "unclear":
        return f"{where} the optimized model loses {loss} more, which may be chance with {worst.n:,} examples."
    if worst.original < 0.5 * clean.original and measure != "likeness":
        return (
            f"{scene} both lose much, and alike: {percent(worst.original)} and {percent(worst.optimized)} at the worst."
        )
    return f"{scene} both answer equally well."


def _loses(measure: Measure, loss: str) -> str:
    return f"gets {loss} more of the examples wrong" if measure == "accuracy" else f"changes {loss} more of its answers"


def percent(share: float) -> str:
    """6.3 %, 12 %: one digit more where it is needed to tell small losses apart."""
    return wording.percent(share, 1 if abs(share) < 0.0995 else 0)


def unfamiliar_row(kind: tuple[str, str], sure: NDArray[np.bool_], all_p: float, picture: str | None) -> UnfamiliarRow:
    """`sure` (n, 2): which version is confident of each input. `all_p` is its p-value after Holm."""
    n = len(sure)
    worse, better = int((sure[:, 1] & ~sure[:, 0]).sum()), int((sure[:, 0] & ~sure[:, 1]).sum())
    original, optimized = float(sure[:, 0].mean()), float(sure[:, 1].mean())
    verdict: StressVerdict = "worse" if all_p <= LEVEL else "unclear" if optimized - original >= 0.1 else "even"
    title = kind[1]
    told = f"sure of {percent(optimized)} of them, the original of {percent(original)}"
    said = {
        "worse": f"{title}: the optimized model is more easily fooled: it is {told}.",
        "unclear": f"{title}: the optimized model is {told}; with {n:,} that may be chance.",
        "even": f"{title}: the optimized model is {told}.",
    }[verdict]
    return UnfamiliarRow(
        id=kind[0], title=title, n=n, original=original, optimized=optimized, worse=worse, better=better, p_holm=all_p,
        verdict=verdict, words=said, picture=picture,
    )  # fmt: skip


def headline(clean: StressCell, rows: Sequence[StressRow], n: int, measure: Measure) -> str:
    """What the report says in one sentence, or two."""
    if clean.verdict == "worse":
        if measure == "likeness":
            return f"Already without stress {percent(clean.drop)} of its answers are not like the original's."
        return f"Already without stress the optimized model {_loses(measure, percent(clean.drop))} than the original."
    worse = sorted((row for row in rows if row.verdict == "worse"), key=lambda row: -worst_of(row).drop)
    if worse:
        rest = f" {len(worse) - 1} other kinds of stress hurt it more than the original, too." if len(worse) > 2 else ""
        if len(worse) == 2:
            rest = " Another kind of stress hurts it more than the original, too."
        return worse[0].words + rest
    unclear = [row for row in rows if row.verdict == "unclear"]
    if unclear:
        shown = "one kind of stress shows" if len(unclear) == 1 else f"{len(unclear)} kinds of stress show"
        return f"Nothing is proven to hurt the optimized model more; {shown} a loss that may be chance."
    return f"Under stress both answer equally well, on {n:,} examples."
