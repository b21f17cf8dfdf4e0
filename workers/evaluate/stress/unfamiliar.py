"""Test whether each version is less confident about unfamiliar inputs: far ones, and ones near its own.

Confidence is the energy of the prediction, logsumexp of its scores (Liu and others 2020, arXiv 2010.03759), or the
largest probability if the model gives probabilities (arXiv 1610.02136). AUROC and FPR95 follow OpenOOD's definitions
(Zhang and others 2023, arXiv 2306.09301, `auc_and_fpr_recall`): unfamiliar inputs are positive. Intervals come from a
paired bootstrap over examples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, Separation, StressVerdict, UnfamiliarRow
from workers.contracts.process.context import JobContext
from workers.evaluate.proof.stats import CONFIDENCE, binomial_upper, holm
from workers.evaluate.scores.base import weights
from workers.evaluate.stress.changes import StressedExamples, draw, rng_of
from workers.evaluate.stress.kinds.strangers import STRANGERS, Stranger
from workers.evaluate.stress.paired import LEVEL
from workers.evaluate.stress.samples import Samples
from workers.evaluate.stress.scoring import Values
from workers.evaluate.stress.verdicts import percent
from workers.evaluate.stress.versions import Version

STAGE = "Asking both versions about unfamiliar inputs"
LET_THROUGH = 0.95
MOST, FEWEST = 200, 20
HELD_OUT = ("classes", "Another class")

Confidences = NDArray[np.float64]
"""Confidences (n, 2) of the original and of the optimized version; larger is more confident."""


def confidence(answer: Values, scores: str) -> float:
    """Return the confidence of a prediction; larger is more confident.

    A single logit counts by its distance from 0, a sequence by the mean over its time steps.
    """
    values = answer.astype(np.float64)
    if not np.isfinite(values).all():
        return -np.inf
    rows = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
    if scores == "probabilities":
        surest = np.maximum(rows, 1 - rows)[:, 0] if rows.shape[1] == 1 else rows.max(axis=1)
    elif rows.shape[1] == 1:
        surest = np.abs(rows[:, 0])
    else:
        top = rows.max(axis=1)
        surest = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
    return float(surest.mean())


@dataclass(frozen=True)
class Set:
    """Confidences for unfamiliar and real inputs of one kind.

    Attributes:
        id: Unique name of the kind.
        title: Name for people.
        near: Whether the inputs resemble the model's own.
        real: Confidences (n, 2) for real inputs.
        made: Confidences (m, 2) for unfamiliar inputs.
        real_of: Number of the example of each real input (n,).
        made_of: Number of the example that each unfamiliar input was made from (m,).
        picture: Name of a small picture of one input.
    """

    id: str
    title: str
    near: bool
    real: Confidences
    made: Confidences
    real_of: NDArray[np.intp]
    made_of: NDArray[np.intp]
    picture: str | None = None


def unfamiliar_rows(
    old: Version, new: Version, samples: Samples, changed: StressedExamples, ctx: JobContext, left: Callable[[], float]
) -> tuple[UnfamiliarRow, ...]:
    """Return one row for each kind, near ones first; none for models without classes or with fewer than 20 examples."""
    if changed.measure == "similarity" or len(changed.items) < FEWEST:
        return ()
    kinds = [stranger for stranger in STRANGERS if stranger.takes == samples.takes]
    scores = old.pipeline.spec.scores
    real = np.asarray([[confidence(answer, scores) for answer in pair] for pair in changed.references])
    sets = [*_held_out(changed, scores)]
    asked = _Asked(old, new, samples, changed, ctx)
    made = asked.all_of(kinds, left)
    everyone = np.arange(len(real))
    sets += [
        Set(
            kind.id, kind.title, kind.near, real, np.asarray(found), everyone, np.arange(len(found)),
            changed.pictures.get(_file(kind)),
        )
        for kind, found in zip(kinds, made, strict=True)
    ]  # fmt: skip
    return judged([row_of(one, ctx.seed) for one in sorted(sets, key=lambda one: not one.near)])


class _Asked:
    """Evaluates both versions on unfamiliar inputs made from the examples."""

    def __init__(
        self, old: Version, new: Version, samples: Samples, changed: StressedExamples, ctx: JobContext
    ) -> None:
        """Create the evaluation of both versions."""
        self._versions, self._samples, self._changed, self._ctx = (old, new), samples, changed, ctx

    def all_of(self, kinds: Sequence[Stranger], left: Callable[[], float]) -> list[list[list[float]]]:
        """Return the confidences of all kinds, evaluated example by example, for 20 to 200 examples.

        All kinds have the same number of examples when the time is up.
        """
        found: list[list[list[float]]] = [[] for _ in kinds]
        items = self._changed.items[:MOST]
        for number, given in enumerate(items):
            self._ctx.progress(STAGE, number, len(items), "examples")
            if number >= FEWEST and left() <= 0:
                break
            sample = self._samples.open(given)
            other = self._samples.open(self._changed.items[(number + 1) % len(self._changed.items)])
            for kind, rows in zip(kinds, found, strict=True):
                self._ctx.check_cancelled()
                made = kind.make(sample, other, rng_of(self._ctx.seed, number, kind.id, 0))
                if number == 0 and self._samples.takes == "images":
                    self._changed.pictures[_file(kind)] = draw(made, _file(kind), self._ctx.work_dir)
                rows.append(
                    [
                        confidence(
                            version.answer(self._samples.feeds(version.pipeline, given, made)),
                            version.pipeline.spec.scores,
                        )
                        for version in self._versions
                    ]
                )
        self._ctx.progress(STAGE, 1, 1, "examples")
        return found


def _file(kind: Stranger) -> str:
    return f"unfamiliar-{kind.id}"


def _held_out(changed: StressedExamples, scores: str) -> list[Set]:
    """Return the test with a held-out class: without its score, is the model less confident about its examples?

    This is a near test, and easier than with a class that the model never learned. (Nothing is trained again. Splits of
    known and unknown classes are those of open-set recognition, Neal and others 2018.)
    """
    if len({np.size(answer) for pair in changed.references for answer in pair}) != 1:
        return []
    answers = [np.stack([np.ravel(pair[side]) for pair in changed.references]) for side in (0, 1)]
    labels = np.asarray([given.item.labels[0] if given.item.labels else -1 for given in changed.items])
    classes = [label for label in np.unique(labels).tolist() if label >= 0 and (labels == label).sum() >= 2]
    width = answers[0].shape[1]
    if len(classes) < 3 or width < 3 or max(classes) >= width:
        return []
    parts = [(np.flatnonzero((labels >= 0) & (labels != label)), np.flatnonzero(labels == label)) for label in classes]
    real, made = [], []
    for label, (known, unknown) in zip(classes, parts, strict=True):
        sure = np.stack([[confidence(np.delete(answer, label), scores) for answer in side] for side in answers], axis=1)
        # Each class has its own threshold; ranks within the known ones make them comparable.
        order = np.stack(
            [np.searchsorted(np.sort(sure[known, side]), sure[:, side]) / len(known) for side in (0, 1)], axis=1
        )
        real.append(order[known])
        made.append(order[unknown])
    return [
        Set(
            *HELD_OUT, True, np.concatenate(real), np.concatenate(made), np.concatenate([known for known, _ in parts]),
            np.concatenate([unknown for _, unknown in parts]),
        )
    ]  # fmt: skip


def separation(real: NDArray[np.float64], made: NDArray[np.float64]) -> Separation:
    """Return AUROC and FPR95 of one version's confidences by OpenOOD.

    The curve is scikit-learn's; unfamiliar inputs are positive.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    strange = np.concatenate([np.zeros(len(real)), np.ones(len(made))])
    doubt = -np.nan_to_num(np.concatenate([real, made]), neginf=-1e30)
    false, true, _ = roc_curve(strange, doubt)
    return Separation(auroc=float(roc_auc_score(strange, doubt)), fpr95=float(false[np.argmax(true >= LET_THROUGH)]))


def row_of(one: Set, seed: int) -> UnfamiliarRow:
    """Return both versions' separations, the intervals of their difference, and the verdict."""
    limits = np.quantile(one.real, 1 - LET_THROUGH, axis=0)
    sure = one.made >= limits
    before, after = (separation(one.real[:, side], one.made[:, side]) for side in (0, 1))
    drawn = _differences(one, seed)
    few = binomial_upper(0, min(len(np.unique(one.real_of)), len(np.unique(one.made_of))))
    upper = max(float(np.quantile(drawn[:, 0], CONFIDENCE)), before.auroc - after.auroc, few)
    p = max(float((drawn[:, 0] <= MARGIN).mean()), 1 / len(drawn))
    auroc_low, auroc_high = (float(value) for value in np.quantile(drawn[:, 0], [0.025, 0.975]))
    fpr95_low, fpr95_high = (float(value) for value in np.quantile(drawn[:, 1], [0.025, 0.975]))
    return UnfamiliarRow(
        id=one.id, title=one.title, near=one.near, n=len(one.made), n_real=len(one.real),
        original=float(sure[:, 0].mean()), optimized=float(sure[:, 1].mean()),
        worse=int((sure[:, 1] & ~sure[:, 0]).sum()), better=int((sure[:, 0] & ~sure[:, 1]).sum()),
        original_separation=before, optimized_separation=after, auroc_low=auroc_low, auroc_high=auroc_high,
        fpr95_low=fpr95_low, fpr95_high=fpr95_high, p_holm=p,
        verdict="even" if upper <= MARGIN >= fpr95_low else "unclear", picture=one.picture,
    )  # fmt: skip


def judged(rows: Sequence[UnfamiliarRow]) -> tuple[UnfamiliarRow, ...]:
    """Return the rows with Holm's correction over all of them, verdicts and words."""
    told = []
    for row, p_holm in zip(rows, holm([row.p_holm for row in rows]), strict=True):
        verdict: StressVerdict = "worse" if p_holm <= LEVEL else row.verdict
        held = row.model_copy(update={"p_holm": p_holm, "verdict": verdict})
        told.append(held.model_copy(update={"words": _words(held)}))
    return tuple(told)


def _differences(one: Set, seed: int) -> NDArray[np.float64]:
    """Return resampled losses of AUROC and rises of FPR95, (draws, 2).

    An example is drawn together with all inputs that were made from it.
    """
    counts = weights(int(max(one.real_of.max(), one.made_of.max())) + 1, seed, 500)
    before, after = (_curve(one, counts, side) for side in (0, 1))
    found = np.stack([before[0] - after[0], after[1] - before[1]], axis=1)
    return found[np.isfinite(found).all(axis=1)]


def _curve(one: Set, counts: NDArray[np.float64], side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return AUROC (draws,) and FPR95 (draws,) of each draw; NaN if one side is empty."""
    values = np.nan_to_num(np.concatenate([one.real[:, side], one.made[:, side]]), neginf=-1e30)
    order = np.argsort(values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) > 0, True))
    strange = np.concatenate([np.zeros((len(counts), len(one.real))), counts[:, one.made_of]], axis=1)[:, order]
    known = np.concatenate([counts[:, one.real_of], np.zeros((len(counts), len(one.made)))], axis=1)[:, order]
    with np.errstate(invalid="ignore", divide="ignore"):
        true = np.cumsum(strange, axis=1)[:, ends] / strange.sum(axis=1, keepdims=True)
        false = np.cumsum(known, axis=1)[:, ends] / known.sum(axis=1, keepdims=True)
    start = np.zeros((len(counts), 1))
    true, false = np.hstack([start, true]), np.hstack([start, false])
    area = ((true[:, 1:] + true[:, :-1]) / 2 * np.diff(false, axis=1)).sum(axis=1)
    at = np.argmax(true >= LET_THROUGH - 1e-12, axis=1)
    return area, false[np.arange(len(counts)), at]


def _words(row: UnfamiliarRow) -> str:
    before, after = row.original_separation, row.optimized_separation
    assert before is not None and after is not None
    told = (
        f"in {percent(after.auroc)} of pairs the optimized model is surer of the real input, the original in "
        f"{percent(before.auroc)} (AUROC)"
    )
    if row.fpr95_low is not None and row.fpr95_low > MARGIN:
        alarms = f"{percent(after.fpr95)} of the real inputs instead of {percent(before.fpr95)} (FPR95)"
        told += f"; to catch 95 % of these it would turn away {alarms}"
    said = {
        "worse": f"the optimized model tells it less well: {told}.",
        "unclear": f"{told}; {row.n:,} examples cannot rule out a loss of over {MARGIN * 100:.0f} points.",
        "even": f"it is told as well as by the original: {told}.",
    }[row.verdict]
    return f"{row.title}: {said}"
