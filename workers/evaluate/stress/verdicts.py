"""Build the cells and rows of a report, with their verdicts and words. `paired` has the statistics.

Within one cell each example occurs once. Over the severities of a kind, the copies of one example are a cluster, and
its mean counts. Holm's correction controls the chance of any false alarm over all of these tests together, whatever
their dependence.
"""

from collections.abc import Sequence

import numpy as np

from workers.contracts import wording
from workers.contracts.after.stress import MARGIN, Measure, StressCell, StressRow, StressVerdict
from workers.contracts.translation import _, joined, ngettext
from workers.evaluate.proof.stats import holm
from workers.evaluate.stress.base import Stress
from workers.evaluate.stress.paired import LEVEL, Pairs, about, compare, held

NOTABLE = 0.02
"""A loss of this size is mentioned, even if it may be chance."""


def row_of(stress: Stress, severities: Sequence[int], pairs: Sequence[Pairs], picture: str | None) -> StressRow:
    """Return one kind of stress: its cells, and the same figures over each example's mean."""
    cells = tuple(
        compare(one, severity, stress.levels[severity - 1]) for severity, one in zip(severities, pairs, strict=True)
    )
    found = compare(np.mean(pairs, axis=0))
    return StressRow(
        id=stress.id, title=stress.title, group=stress.group, source=stress.source, cells=cells, p=found.p,
        upper=found.upper, picture=picture,
    )  # fmt: skip


def judged(
    clean: StressCell, rows: Sequence[StressRow], scenes: dict[str, str], measure: Measure
) -> tuple[StressCell, list[StressRow]]:
    """Return the clean cell and the rows with Holm's p-values, verdicts and words."""
    p_values = [clean.p, *(p for row in rows for p in (row.p, *(cell.p for cell in row.cells)))]
    adjusted = iter(holm(p_values))
    clean = held(clean, next(adjusted))
    done = []
    for row in rows:
        p_holm = next(adjusted)
        cells = tuple(held(cell, next(adjusted)) for cell in row.cells)
        verdicts = {cell.verdict for cell in cells}
        verdict: StressVerdict = "even" if verdicts == {"even"} else "unclear"
        if p_holm <= LEVEL or "worse" in verdicts:
            verdict = "worse"
        most = max((cell.needed for cell in cells if cell.needed is not None), default=None)
        needed = most if verdict == "unclear" else None
        update = {"p_holm": p_holm, "cells": cells, "verdict": verdict, "needed": needed}
        report = row.model_copy(update=update)
        done.append(report.model_copy(update={"words": _words(report, scenes[row.id], measure, clean)}))
    return clean, done


def worst_of(row: StressRow) -> StressCell:
    """Return the cell with the largest loss, among the proven ones if there are any."""
    proven = [cell for cell in row.cells if cell.verdict == "worse"]
    return max(proven or row.cells, key=lambda cell: (cell.drop, cell.upper))


def _words(row: StressRow, scene: str, measure: Measure, clean: StressCell) -> str:
    worst = worst_of(row)
    loss = percent(worst.drop)
    scene, is_graded = _(scene), row.group in ("corruption", "drift")
    where = (_("{0} (severity {1})") if is_graded else _("{0} ({1})")).format(scene, worst.level)
    if row.verdict == "worse" and measure == "similarity":
        return _("{0} {1} of the optimized model's answers are no longer like the original's.").format(where, loss)
    if row.verdict == "worse":
        more_wrong = _("{0} the optimized model gets {1} more of the examples wrong than the original.")
        more_changed = _("{0} the optimized model changes {1} more of its answers than the original.")
        text = (more_wrong if measure == "accuracy" else more_changed).format(where, loss)
        before = _("On unchanged inputs the difference is {0}.").format(percent(clean.drop))
        return joined([text, before if clean.drop >= NOTABLE / 2 else ""])
    lost = min(row.cells, key=lambda cell: cell.original)
    if lost.original <= MARGIN:
        return _("{0} the original itself gets next to nothing right, so that there is nothing to lose.").format(scene)
    if row.verdict == "unclear":
        if worst.drop >= NOTABLE:
            text = _("{0} it loses {1} more, which {2:,} examples cannot tell from chance.")
            text = text.format(where, loss, worst.n)
        else:
            text = _("{0} no notable loss was seen, but {1:,} examples cannot rule out one of over {2}.")
            text = text.format(scene, worst.n, wording.percent(MARGIN, 0))
        return joined([text, more_examples(row.needed)])
    bound = wording.percent_up(max(cell.upper for cell in row.cells))
    if lost.original < 0.5 * clean.original and measure != "similarity":
        return _("{0} both lose much, and alike: {1} and {2} at the worst.").format(
            scene, percent(lost.original), percent(lost.optimized)
        )
    return _("{0} it is as good as the original: it loses at most {1}.").format(scene, bound)


def more_examples(needed: int | None) -> str:
    """Return how many more examples would decide, as a sentence after one about too few; "" if no number would."""
    return _("About {0} more would.").format(about(needed)) if needed else ""


def percent(share: float) -> str:
    """Return a share in words: 6.3 %, 12 %; one more digit distinguishes small losses."""
    return wording.percent(share, 1 if abs(share) < 0.0995 else 0)


def headline(clean: StressCell, rows: Sequence[StressRow], n: int, unused: int, measure: Measure) -> str:
    """Return the result of the report in one or two sentences; `unused` examples exist but were not evaluated."""
    if clean.verdict == "worse":
        text = _("Already without stress the optimized model changes {0} more of its answers than the original.")
        if measure == "similarity":
            text = _("Already without stress {0} of its answers are not like the original's.")
        elif measure == "accuracy":
            text = _(
                "Already without stress the optimized model gets {0} more of the examples wrong than the original."
            )
        return text.format(percent(clean.drop))
    worse = sorted((row for row in rows if row.verdict == "worse"), key=lambda row: -worst_of(row).drop)
    if worse:
        others = len(worse) - 1
        rest = ngettext(
            "Another kind of stress hurts it more than the original, too.",
            "{0} other kinds of stress hurt it more than the original, too.",
            others,
        ).format(others)
        return joined([worse[0].words, rest if others else ""])
    every: list[StressCell | StressRow] = [clean, *rows]
    unclear = [one for one in every if one.verdict == "unclear"]
    if not unclear:
        bound = wording.percent_up(max(cell.upper for cell in (clean, *(c for row in rows for c in row.cells))))
        return _(
            "Under stress it is as good as the original: on {0:,} examples no kind costs it more than {1}."
        ).format(n, bound)
    report = _(
        "Nothing is proven to hurt the optimized model more, but {0:,} examples cannot tell for all kinds."
    ).format(n)
    return joined([report, _more(unclear, unused)])


def _more(unclear: Sequence[StressCell | StressRow], unused: int) -> str:
    """Return advice on more examples or more time, without asking for examples that already exist."""
    most = max((one.needed for one in unclear if one.needed is not None), default=None)
    if most is None or not unused:
        return more_examples(most)
    return _("About {0} more would, and {1:,} of yours did not fit into the time: give it more.").format(
        about(most), unused
    )
