"""Find labels that are probably wrong, by confident learning with `cleanlab`.

Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels". A classifier learns the
labels by cross-validation: each of five parts is judged by what was learned from the other four.
"""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import Suspect
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _, mark, ngettext
from workers.contracts.wording import percent
from workers.evaluate.checks.base import Check, Floats, Material, Outcome
from workers.evaluate.checks.learnable import Positions, classifier, quiet, rows_of
from workers.evaluate.data.base import Entry
from workers.evaluate.data.split import choose

STAGE = mark("Looking for wrong labels")
FOLDS = 5
FEWEST = 50
PER_CLASS = 10
MOST = 20_000
MOST_CLASSES = 200
MOST_SHOWN = 60
LEARNED = 0.8
"""Below this share of right predictions, the simple classifier has learned too little to doubt a label."""


def run(material: Material, ctx: JobContext) -> Outcome:
    """Check items with one label each; if a simple classifier learns too little, report that instead."""
    chosen, names, labels = _usable(material)
    rows = rows_of(material, chosen) if len(chosen) >= FEWEST and 1 < len(names) <= MOST_CLASSES else None
    if rows is None:
        return Outcome(counts={"label_errors": None})
    probabilities = cross_validated(rows, labels, ctx)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    values = {"right answers of a simple classifier": accuracy}
    if accuracy < LEARNED:
        what = _(
            "Wrong labels were not looked for: a simple classifier names only {0} of the items right, too "
            "few to doubt a label."
        ).format(percent(accuracy, 0))
        finding = CHECK.finding("info", what, values=values)
        return Outcome((finding,), {"label_errors": None})
    doubtful = issues(labels, probabilities)
    if not len(doubtful):
        return Outcome(counts={"label_errors": 0})
    shown = doubtful[:MOST_SHOWN]
    suspects = tuple(
        _suspect(material.entries[place], names, given, shares)
        for place, given, shares in zip(
            chosen[shown].tolist(), labels[shown].tolist(), probabilities[shown], strict=True
        )
    )
    items = [material.name_of(place) for place in chosen[doubtful].tolist()]
    hint = mark("Look at them one by one; a simple classifier made this guess and may be wrong.")
    what = _words(items, suspects[0])
    finding = CHECK.finding("warning", what, hint, items, values=values)
    return Outcome((finding,), {"label_errors": len(doubtful)}, suspects=suspects)


def _usable(material: Material) -> tuple[Positions, tuple[str, ...], NDArray[np.int64]]:
    """Return items with exactly one label, for labels with at least ten items.

    Each content is used once, because copies in the training part would reveal labels.
    """
    first = {digest: i for i, digest in reversed(list(enumerate(material.digests)))}
    labels = {i: material.entries[i].labels for i in first.values()}
    single = sorted((i, given[0]) for i, given in labels.items() if len(given) == 1)
    counts = Counter(label for _, label in single)
    names = tuple(sorted(label for label, count in counts.items() if count >= PER_CLASS))
    number = {label: k for k, label in enumerate(names)}
    kept = [(i, number[label]) for i, label in single if label in number]
    picked = choose([label for _, label in kept], lambda k: material.digests[kept[k][0]], MOST)
    chosen = np.asarray([kept[k][0] for k in picked], np.intp)
    return chosen, names, np.asarray([kept[k][1] for k in picked], np.int64)


def cross_validated(rows: Any, labels: NDArray[np.int64], ctx: JobContext) -> Floats:
    """Return the probabilities (n, classes) of each item from a classifier that was trained with the others."""
    from sklearn.model_selection import StratifiedKFold

    probabilities = np.zeros((len(labels), int(labels.max()) + 1), np.float32)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=ctx.seed)
    with quiet():
        for taught, judged in in_steps(ctx, STAGE, list(folds.split(np.zeros(len(labels)), labels)), "parts"):
            part = rows[taught]
            model = classifier(part, ctx.seed).fit(part, labels[taught])
            probabilities[judged] = model.predict_proba(rows[judged])
    return probabilities


def issues(labels: NDArray[np.int64], probabilities: Floats) -> NDArray[np.int64]:
    """Return the positions of probable label errors, the least plausible label first."""
    from cleanlab.filter import find_label_issues

    found = find_label_issues(
        labels, probabilities.astype(np.float64), return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return np.asarray(found, np.int64)


def _words(names: list[str], first: Suspect) -> str:
    what = ngettext(
        "{0} item has a label that is probably wrong: {1} is labelled “{2}” and looks more like “{3}”.",
        "{0:,} items have labels that are probably wrong: {1} is labelled “{2}” and looks more like “{3}”.",
        len(names),
    )
    return what.format(len(names), names[0], first.given, first.likely)


def _suspect(entry: Entry, names: tuple[str, ...], given: int, shares: Floats) -> Suspect:
    best, text = int(shares.argmax()), (entry.text or "")[:300]
    return Suspect(source=entry.source, given=names[given], likely=names[best], share=float(shares[best]), text=text)


CHECK = Check("label_errors", "Labels fit what they label", "cleanlab (arXiv 1911.00068)", 70, run)
