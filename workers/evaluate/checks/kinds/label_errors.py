"""Find labels that are probably wrong, by confident learning with `cleanlab`.

Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels". A classifier learns the
labels by cross-validation: each of five parts is judged by what was learned from the other four.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import Suspect
from workers.contracts.process.context import JobContext
from workers.contracts.wording import counted, percent
from workers.evaluate.checks.base import Check, Floats, Material, Outcome, named
from workers.evaluate.checks.learnable import Positions, classifier, quiet, rows_of
from workers.evaluate.data.split import choose

STAGE = "Looking for wrong labels"
FOLDS = 5
FEWEST = 50
PER_CLASS = 10
MOST = 20_000
MOST_CLASSES = 200
MOST_SHOWN = 60
LEARNED = 0.8
"""Below this share of right predictions, the simple classifier has learned too little to doubt a label."""


@dataclass(frozen=True)
class Learned:
    """Cross-validated predictions of labels.

    Attributes:
        chosen: Numbers of the units (n,).
        names: Names of the classes.
        labels: Labels (n,) as positions in `names`.
        probabilities: Probabilities (n, classes), each from a classifier that did not see the item.
    """

    chosen: Positions
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: Floats

    @property
    def accuracy(self) -> float:
        """Return the share of right predictions."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())


def run(material: Material, ctx: JobContext) -> Outcome:
    """Check items with one label each; if a simple classifier learns too little, report that instead."""
    chosen, names, labels = _usable(material)
    rows = rows_of(material, chosen) if len(chosen) >= FEWEST and 1 < len(names) <= MOST_CLASSES else None
    if rows is None:
        return Outcome(counts={"label_errors": None})
    found = Learned(chosen, names, labels, cross_validated(rows, labels, ctx))
    if found.accuracy < LEARNED:
        what = (
            f"Wrong labels were not looked for: a simple classifier names only {percent(found.accuracy, 0)} of the"
            " items right, too few to doubt a label."
        )
        values = {"right answers of a simple classifier": found.accuracy}
        finding = CHECK.finding("info", what, values=values)
        return Outcome((finding,), {"label_errors": None})
    return _told(material, found, issues(found.labels, found.probabilities))


def _usable(material: Material) -> tuple[Positions, tuple[str, ...], NDArray[np.int64]]:
    """Return items with exactly one label, for labels with at least ten items.

    Each content is used once, because copies in the training part would reveal labels.
    """
    first = {unit.digest: i for i, unit in reversed(list(enumerate(material.units)))}
    single = [(i, material.units[i].labels[0]) for i in first.values() if len(material.units[i].labels) == 1]
    single.sort()
    counts = Counter(label for _, label in single)
    names = tuple(sorted(label for label, count in counts.items() if count >= PER_CLASS))
    number = {label: k for k, label in enumerate(names)}
    kept = [(i, number[label]) for i, label in single if label in number]
    digests = material.units
    picked = choose([label for _, label in kept], lambda k: digests[kept[k][0]].digest, MOST)
    chosen = np.asarray([kept[k][0] for k in picked], np.intp)
    return chosen, names, np.asarray([kept[k][1] for k in picked], np.int64)


def cross_validated(rows: Any, labels: NDArray[np.int64], ctx: JobContext) -> Floats:
    """Return the probabilities (n, classes) of each item from a classifier that was trained with the others."""
    from sklearn.model_selection import StratifiedKFold

    probabilities = np.zeros((len(labels), int(labels.max()) + 1), np.float32)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=ctx.seed)
    with quiet():
        for number, (taught, judged) in enumerate(folds.split(np.zeros(len(labels)), labels)):
            ctx.check_cancelled()
            ctx.progress(STAGE, number, FOLDS, "parts")
            part = rows[taught]
            model = classifier(part, ctx.seed).fit(part, labels[taught])
            probabilities[judged] = model.predict_proba(rows[judged])
    ctx.progress(STAGE, FOLDS, FOLDS, "parts")
    return probabilities


def issues(labels: NDArray[np.int64], probabilities: Floats) -> NDArray[np.int64]:
    """Return the positions of probable label errors, the least plausible label first."""
    from cleanlab.filter import find_label_issues

    found = find_label_issues(
        labels, probabilities.astype(np.float64), return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return np.asarray(found, np.int64)


def _told(material: Material, found: Learned, doubtful: NDArray[np.int64]) -> Outcome:
    values = {"right answers of a simple classifier": found.accuracy}
    if not len(doubtful):
        return Outcome(counts={"label_errors": 0})
    names = [material.name_of(int(found.chosen[i])) for i in doubtful]
    first = int(doubtful[0])
    given, guess = found.names[found.labels[first]], found.names[int(found.probabilities[first].argmax())]
    count = len(names)
    verb = "has a label that is" if count == 1 else "have labels that are"
    what = (
        f"{counted(count, 'item').capitalize()} {verb} probably wrong: {names[0]} is labelled “{given}” and looks more"
        f" like “{guess}”."
    )
    hint = "Look at them one by one; a simple classifier made this guess and may be wrong."
    finding = CHECK.finding("warning", what, hint, count=count, items=named(names), values=values)
    return Outcome((finding,), {"label_errors": count}, suspects=_suspects(material, found, doubtful[:MOST_SHOWN]))


def _suspects(material: Material, found: Learned, doubtful: NDArray[np.int64]) -> tuple[Suspect, ...]:
    suspects = []
    for i in doubtful:
        unit, shares = material.units[int(found.chosen[i])], found.probabilities[i]
        likely = int(shares.argmax())
        given, text = found.names[found.labels[i]], (unit.text or "")[:300]
        share = float(shares[likely])
        suspects.append(Suspect(source=unit.source, given=given, likely=found.names[likely], share=share, text=text))
    return tuple(suspects)


CHECK = Check("label_errors", "Labels fit what they label", "cleanlab (arXiv 1911.00068)", 70, run)
