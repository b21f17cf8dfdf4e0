"""Count how many items of the first set lie outside the distribution of the second one.

Mahalanobis distance (Lee and others 2018, arXiv 1807.03888) in the main components, with a covariance that is shrunk
after Ledoit and Wolf (2004). The threshold accepts 95 % of held-out items of the second set.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.evaluate.checks.base import Check, Floats, Material, Outcome
from workers.evaluate.checks.learnable import rows_of

STAGE = mark("Looking for items unlike the others")
FEWEST = 60
MOST = 5000
COMPONENTS = 20
LET_THROUGH = 0.95
TWICE = 2.0
LEVEL = 0.01


def run(material: Material, ctx: JobContext) -> Outcome:
    """Run the check if the second set has at least 60 items to learn from."""
    sides = material.sides
    generator = np.random.default_rng(ctx.seed)
    own = generator.permutation([i for i in _once(material) if sides[i] == 1])[:MOST].astype(np.intp)
    others = np.sort(generator.permutation(np.flatnonzero(sides == 0))[:MOST])
    rows = rows_of(material, np.concatenate([own, others])) if len(own) >= FEWEST and len(others) else None
    if rows is None:
        return Outcome(counts={"out_of_distribution": None})
    ctx.check_cancelled()
    ctx.progress(STAGE, 0, 1)
    half = len(own) // 2
    distances = _distances(rows, half, ctx.seed)
    held, judged = distances[half : len(own)], distances[len(own) :]
    outside = judged > _threshold(held)
    ctx.progress(STAGE, 1, 1)
    return _outcome(material, others, outside, judged, len(held))


def _once(material: Material) -> list[int]:
    """Return one item of each content."""
    return sorted({digest: i for i, digest in reversed(list(enumerate(material.digests)))}.values())


def _distances(rows: Any, half: int, seed: int) -> Floats:
    """Return the squared distances of all rows from the first `half` of them."""
    from scipy.sparse import issparse
    from sklearn.covariance import LedoitWolf
    from sklearn.decomposition import PCA, TruncatedSVD

    parts = max(1, min(COMPONENTS, half // 3, rows.shape[1] - 1))
    kind = TruncatedSVD if issparse(rows) else PCA
    low = kind(parts, random_state=seed).fit(rows[:half]).transform(rows)
    return np.asarray(LedoitWolf().fit(low[:half]).mahalanobis(low), np.float32)


def _threshold(held: Floats) -> float:
    """Return the distance that at least 95 % of the held-out items do not exceed, as an order statistic."""
    place = min(len(held) - 1, int(np.ceil(LET_THROUGH * (len(held) + 1))) - 1)
    return float(np.sort(held)[place])


def _outcome(
    material: Material, others: NDArray[np.intp], outside: NDArray[np.bool_], judged: Floats, held: int
) -> Outcome:
    from scipy.stats import fisher_exact

    count, total = int(outside.sum()), len(outside)
    share, first, second = count / total, material.names[0], material.names[1]
    let = round((1 - LET_THROUGH) * held)
    p = float(fisher_exact([[count, total - count], [let, held - let]], alternative="greater").pvalue)
    unusual = p <= LEVEL and share >= TWICE * (1 - LET_THROUGH)
    order = np.argsort(-judged)[:count]
    names = [material.name_of(int(others[i])) for i in order]
    what = _("{0} of “{1}” lie outside of what “{2}” holds; about 5 % would by chance.").format(
        percent(share), first, second
    )
    hint = mark("Look at the first of them: calibrate with data like those that are tested.") if unusual else ""
    values = {"share outside": share, "p-value": p}
    finding = CHECK.finding("warning" if unusual else "info", what, hint, names, count=count, values=values)
    return Outcome((finding,), {"out_of_distribution": count})


CHECK = Check("outliers", "Few items lie outside", "Mahalanobis (arXiv 1807.03888)", 90, run)
