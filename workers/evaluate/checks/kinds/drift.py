"""Test whether two sets are alike: a classifier two-sample test first, then the properties that differ.

Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests" (arXiv 1610.06545). Rabanser and others 2019,
"Failing Loudly" (arXiv 1810.11953), for Kolmogorov-Smirnov tests of single properties, here with Holm's correction.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import percent
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.checks.learnable import linear, quiet, rows_of
from workers.evaluate.proof.stats import holm

STAGE = mark("Comparing the two sets")
FEWEST = 20
MOST = 3000
"""At most this many items of each set are compared."""
PERMUTATIONS = 1999
LEVEL = 0.01
SEPARABLE = 0.6
"""Below this share of correctly ordered pairs, a difference is too small to matter, even if it is proven."""
CHUNK = 50

Shift = tuple[str, float, float, float, float]
"""Property that differs between two sets: name, distance of the distributions (0..1), p-value after Holm's correction,
and the medians of both sets.
"""


def run(material: Material, ctx: JobContext) -> Outcome:
    """Compare two sets if both have at least 20 items."""
    sides = material.sides
    if not material.is_pair or min((sides == 0).sum(), (sides == 1).sum()) < FEWEST:
        return Outcome(counts={"drift": None})
    generator = np.random.default_rng(ctx.seed)
    chosen = np.sort(np.concatenate([_sample(np.flatnonzero(sides == side), generator) for side in (0, 1)]))
    rows = _rows(material, chosen)
    if rows is None:
        return Outcome(counts={"drift": None})
    apart, p = two_sample_test(rows, sides[chosen], generator, ctx)
    shifts = _shifts(material, chosen)
    drifted = p <= LEVEL and apart >= SEPARABLE
    values = {"pairs told apart": apart, "p-value": p}
    values |= {f"{name}: distance": distance for name, distance, *_rest in shifts}
    values |= {f"{name}: p-value": p_holm for name, _distance, p_holm, *_rest in shifts}
    hint = mark("Check that both sets are like what the model will get in use.") if drifted else ""
    what = _words(material, apart, shifts, drifted)
    finding = CHECK.finding("warning" if drifted else "info", what, hint, values=values)
    return Outcome((finding,), {"drift": int(drifted)})


def _sample(positions: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.intp]:
    return positions if len(positions) <= MOST else generator.choice(positions, MOST, replace=False)


def _rows(material: Material, chosen: NDArray[np.intp]) -> Any:
    """Return the features of each item together with its properties."""
    from scipy.sparse import csr_array, hstack, issparse

    looks = rows_of(material, chosen)
    columns = [column[chosen] for column in material.properties.values()]
    if not columns:
        return looks
    stacked = np.stack(columns, axis=1)
    numbers = (stacked - stacked.mean(axis=0)) / np.maximum(stacked.std(axis=0), 1e-6)
    if looks is None:
        return numbers
    return hstack([looks, csr_array(numbers)]).tocsr() if issparse(looks) else np.concatenate([looks, numbers], axis=1)


def two_sample_test(
    rows: Any, sides: NDArray[np.int64], generator: np.random.Generator, ctx: JobContext
) -> tuple[float, float]:
    """Return the share of pairs that a classifier orders correctly, and the p-value.

    The classifier learns from one half of the items. On the other half, the share of pairs (one of each set) that it
    orders correctly is compared with 1,999 permutations of the set membership. The p-value is exact: given the
    classifier, every order has the same probability if the sets are alike (Phipson and Smyth 2010).
    """
    from scipy.stats import rankdata
    from sklearn.model_selection import StratifiedShuffleSplit

    ctx.check_cancelled()
    ctx.progress(STAGE, 0, 1)
    split = StratifiedShuffleSplit(1, test_size=0.5, random_state=int(generator.integers(2**31)))
    taught, judged = next(split.split(np.zeros(len(sides)), sides))
    with quiet():
        model = linear(rows, ctx.seed).fit(rows[taught], sides[taught])
    ranks = rankdata(model.decision_function(rows[judged]))
    ones = int(sides[judged].sum())
    zeros = len(judged) - ones
    observed = float(ranks[sides[judged] == 1].sum())
    reached = 0
    for start in range(0, PERMUTATIONS, CHUNK):
        ctx.check_cancelled()
        count = min(CHUNK, PERMUTATIONS - start)
        mixed = generator.permuted(np.tile(ranks, (count, 1)), axis=1)[:, :ones].sum(axis=1)
        reached += int((mixed >= observed - 1e-9).sum())
    ctx.progress(STAGE, 1, 1)
    return (observed - ones * (ones + 1) / 2) / (ones * zeros), (1 + reached) / (1 + PERMUTATIONS)


def _shifts(material: Material, chosen: NDArray[np.intp]) -> list[Shift]:
    """Return the properties by their distance, the largest first, with p-values after Holm's correction."""
    from scipy.stats import ks_2samp

    sides = material.sides[chosen]
    shifts = []
    for name, column in material.properties.items():
        first, second = column[chosen][sides == 0], column[chosen][sides == 1]
        test = ks_2samp(first, second, method="asymp" if len(chosen) > 2000 else "auto")
        distance, p = float(test.statistic), float(test.pvalue)
        shifts.append((name, distance, p, float(np.median(first)), float(np.median(second))))
    adjusted = holm([shift[2] for shift in shifts])
    found = [(shift[0], shift[1], p, shift[3], shift[4]) for shift, p in zip(shifts, adjusted, strict=True)]
    return sorted(found, key=lambda shift: -shift[1])


def _words(material: Material, apart: float, shifts: list[Shift], drifted: bool) -> str:
    first, second = material.names
    if not drifted:
        return _(
            "“{0}” and “{1}” look alike: given one example of each, a program knows which is which {2} of the time"
            " (50 % is luck)."
        ).format(first, second, percent(apart, 0))
    what = _(
        "“{0}” and “{1}” are not alike: given one example of each, a program knows which is which {2} of the time"
        " (50 % is luck)."
    ).format(first, second, percent(apart, 0))
    clear = [shift for shift in shifts if shift[2] <= LEVEL][:3]
    medians = [_("{0} {1:.3g} and {2:.3g}").format(_(shift[0]), *shift[3:]) for shift in clear]
    why = _("They differ most in: {0} (medians).").format(joined(medians, "; ")) if medians else ""
    return joined([what, why])


CHECK = Check("drift", "Both sets are alike", "C2ST (arXiv 1610.06545), KS (arXiv 1810.11953)", 80, run)
