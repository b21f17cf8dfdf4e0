"""Test whether each version is less confident about unfamiliar inputs: far ones, and ones near its own.

Confidence is the energy of the prediction, logsumexp of its scores (Liu and others 2020, arXiv 2010.03759), or the
largest probability if the model gives probabilities (arXiv 1610.02136). AUROC and FPR95 follow OpenOOD's definitions
(Zhang and others 2023, arXiv 2306.09301, `auc_and_fpr_recall`): unfamiliar inputs are positive. Intervals come from a
paired bootstrap over examples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import MARGIN, Separation, UnfamiliarRow
from workers.contracts.translation import _, joined, mark
from workers.evaluate.proof.stats import CONFIDENCE, binomial_upper, draw_counts, holm
from workers.evaluate.stress.changes import StressedExamples, draw, rng_of
from workers.evaluate.stress.kinds.strangers import STRANGERS, Stranger
from workers.evaluate.stress.paired import LEVEL
from workers.evaluate.stress.verdicts import percent
from workers.evaluate.stress.versions import UNFAMILIAR_UNTIL, Comparison, Values

STAGE = "Running both versions on unfamiliar inputs"
LET_THROUGH = 0.95
MOST, FEWEST = 200, 20
HELD_OUT = {"id": "classes", "title": mark("Another class")}

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Confidences = NDArray[np.float64]
"""Confidences (n, 2) of the original and of the optimized version; larger is more confident."""


def confidence(answer: Values, scores: str) -> float:
    """Return the confidence of a prediction; larger is more confident.

    A single logit counts by its distance from 0, a sequence by the mean over its time steps.
    """
    from scipy.special import logsumexp

    values = answer.astype(np.float64)
    if not np.isfinite(values).all():
        return -np.inf
    rows = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
    if scores == "probabilities":
        surest = np.maximum(rows, 1 - rows)[:, 0] if rows.shape[1] == 1 else rows.max(axis=1)
    elif rows.shape[1] == 1:
        surest = np.abs(rows[:, 0])
    else:
        surest = logsumexp(rows, axis=1)
    return float(surest.mean())


def unfamiliar_rows(both: Comparison, changed: StressedExamples) -> tuple[UnfamiliarRow, ...]:
    """Return one row for each kind, near ones first; none for models without classes or with fewer than 20 examples."""
    if changed.measure == "similarity" or len(changed.items) < FEWEST:
        return ()
    kinds = [stranger for stranger in STRANGERS if stranger.takes == both.samples.takes]
    scores = both.old.pipeline.spec.scores
    real = np.asarray([[confidence(answer, scores) for answer in pair] for pair in changed.references])
    rows = _held_out(changed, scores, both.ctx.seed)
    for kind, found in zip(kinds, _made(kinds, both, changed), strict=True):
        picture, examples = changed.pictures.get(_file(kind)), (np.arange(len(real)), np.arange(len(found)))
        fields: dict[str, Any] = {"id": kind.id, "title": kind.title, "near": kind.near, "picture": picture}
        rows.append(row_of(real, np.asarray(found), *examples, both.ctx.seed, **fields))
    return judged(sorted(rows, key=lambda row: not row.near))


def _made(kinds: Sequence[Stranger], both: Comparison, changed: StressedExamples) -> list[list[list[float]]]:
    """Return the confidences of both versions for inputs of all kinds, made from 20 to 200 examples.

    They are evaluated example by example, so that all kinds have the same number of examples when the time is up.
    """
    found: list[list[list[float]]] = [[] for _ in kinds]
    items, samples, ctx = changed.items, both.samples, both.ctx
    count = min(len(items), MOST)
    for number, given in enumerate(items[:count]):
        ctx.progress(STAGE, number, count, "examples")
        if number >= FEWEST and both.remaining_s(UNFAMILIAR_UNTIL) <= 0:
            break
        sample, other = samples.open(given), samples.open(items[(number + 1) % len(items)])
        for kind, rows in zip(kinds, found, strict=True):
            ctx.check_cancelled()
            made = kind.make(sample, other, rng_of(ctx.seed, number, kind.id, 0))
            if number == 0 and samples.takes == "images":
                changed.pictures[_file(kind)] = draw(made, _file(kind), ctx.work_dir)
            pairs = zip(both.versions, both.predictions(given, made), strict=True)
            rows.append([confidence(values, version.pipeline.spec.scores) for version, values in pairs])
    ctx.progress(STAGE, 1, 1, "examples")
    return found


def _file(kind: Stranger) -> str:
    return f"unfamiliar-{kind.id}"


def _held_out(changed: StressedExamples, scores: str, seed: int) -> list[UnfamiliarRow]:
    """Return the row of held-out classes: without its score, is the model less confident about its examples?

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
    splits = [(np.flatnonzero((labels >= 0) & (labels != label)), np.flatnonzero(labels == label)) for label in classes]
    real, made = [], []
    for label, (others, held_out) in zip(classes, splits, strict=True):
        sure = np.stack([[confidence(np.delete(answer, label), scores) for answer in side] for side in answers], axis=1)
        # Each class has its own threshold; ranks within the other classes make them comparable.
        order = np.stack(
            [np.searchsorted(np.sort(sure[others, side]), sure[:, side]) / len(others) for side in (0, 1)], axis=1
        )
        real.append(order[others])
        made.append(order[held_out])
    real_of, made_of = (np.concatenate(side) for side in zip(*splits, strict=True))
    return [row_of(np.concatenate(real), np.concatenate(made), real_of, made_of, seed, near=True, **HELD_OUT)]


def separation(real: Floats, made: Floats) -> Separation:
    """Return AUROC and FPR95 (OpenOOD) of one version's confidences for real (n,) and for unfamiliar inputs (m,)."""
    area, alarms = _curves(real, made, np.ones((1, len(real))), np.ones((1, len(made))))
    return Separation(auroc=float(area[0]), fpr95=float(alarms[0]))


def row_of(
    real: Confidences, made: Confidences, real_of: Positions, made_of: Positions, seed: int, **fields: Any
) -> UnfamiliarRow:
    """Return both versions' separations, the intervals of their difference, and the verdict.

    Args:
        real: Confidences (n, 2) for real inputs.
        made: Confidences (m, 2) for unfamiliar inputs.
        real_of: Number of the example of each real input (n,).
        made_of: Number of the example that each unfamiliar input was made from (m,).
        seed: Seed of the resampling.
        fields: Further fields of the row.
    """
    limits = np.quantile(real, 1 - LET_THROUGH, axis=0)
    sure = made >= limits
    before, after = (separation(real[:, side], made[:, side]) for side in (0, 1))
    drawn = _differences(real, made, real_of, made_of, seed)
    few = binomial_upper(0, min(len(np.unique(real_of)), len(np.unique(made_of))))
    upper = max(float(np.quantile(drawn[:, 0], CONFIDENCE)), before.auroc - after.auroc, few)
    p = max(float((drawn[:, 0] <= MARGIN).mean()), 1 / len(drawn))
    (auroc_low, fpr95_low), (auroc_high, fpr95_high) = np.quantile(drawn, [0.025, 0.975], axis=0).tolist()
    return UnfamiliarRow(
        n=len(made), n_real=len(real), original=float(sure[:, 0].mean()), optimized=float(sure[:, 1].mean()),
        worse=int((sure[:, 1] & ~sure[:, 0]).sum()), better=int((sure[:, 0] & ~sure[:, 1]).sum()),
        original_separation=before, optimized_separation=after, auroc_low=auroc_low, auroc_high=auroc_high,
        fpr95_low=fpr95_low, fpr95_high=fpr95_high, p_holm=p,
        verdict="even" if upper <= MARGIN >= fpr95_low else "unclear", **fields,
    )  # fmt: skip


def judged(rows: Sequence[UnfamiliarRow]) -> tuple[UnfamiliarRow, ...]:
    """Return the rows with Holm's correction over all of them, verdicts and words."""
    report = []
    for row, p_holm in zip(rows, holm([row.p_holm for row in rows]), strict=True):
        held = row.model_copy(update={"p_holm": p_holm, "verdict": "worse" if p_holm <= LEVEL else row.verdict})
        report.append(held.model_copy(update={"words": _words(held)}))
    return tuple(report)


def _differences(
    real: Confidences, made: Confidences, real_of: Positions, made_of: Positions, seed: int
) -> Confidences:
    """Return resampled losses of AUROC and rises of FPR95, (draws, 2).

    An example is drawn together with all inputs that were made from it.
    """
    counts = draw_counts(np.random.default_rng(seed), int(max(real_of.max(), made_of.max())) + 1, 500)
    times = counts[:, real_of], counts[:, made_of]
    before, after = (_curves(real[:, side], made[:, side], *times) for side in (0, 1))
    found = np.stack([before[0] - after[0], after[1] - before[1]], axis=1)
    return found[np.isfinite(found).all(axis=1)]


def _curves(real: Floats, made: Floats, real_times: Floats, made_times: Floats) -> tuple[Floats, Floats]:
    """Return AUROC (draws,) and FPR95 (draws,) of inputs that count several times in each draw; NaN if a side is empty.

    Args:
        real: Confidences (n,) for real inputs.
        made: Confidences (m,) for unfamiliar inputs.
        real_times: How often each real input counts (draws, n).
        made_times: How often each unfamiliar input counts (draws, m).
    """
    values = np.nan_to_num(np.concatenate([real, made]), neginf=-1e30)
    order = np.argsort(values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) > 0, True))
    rates = []
    for times in (
        np.hstack([np.zeros_like(real_times), made_times]),
        np.hstack([real_times, np.zeros_like(made_times)]),
    ):
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.cumsum(times[:, order], axis=1)[:, ends] / times.sum(axis=1, keepdims=True)
        rates.append(np.hstack([np.zeros((len(times), 1)), share]))
    true, false = rates
    area = ((true[:, 1:] + true[:, :-1]) / 2 * np.diff(false, axis=1)).sum(axis=1)
    at = np.argmax(true >= LET_THROUGH - 1e-12, axis=1)
    return area, false[np.arange(len(true)), at]


def _words(row: UnfamiliarRow) -> str:
    before, after = row.original_separation, row.optimized_separation
    assert before is not None and after is not None
    verdict = {
        "worse": _("{0}: the optimized model recognizes it less well."),
        "unclear": _("{0}: {1:,} examples cannot rule out a loss of over {2:.0f} points."),
        "even": _("{0}: it is recognized as well as by the original."),
    }[row.verdict]
    pairs = _("In {0} of pairs the optimized model is surer of the real input, the original in {1} (AUROC).")
    report = [
        verdict.format(_(row.title), row.n, MARGIN * 100),
        pairs.format(percent(after.auroc), percent(before.auroc)),
    ]
    if row.fpr95_low is not None and row.fpr95_low > MARGIN:
        alarms = _("To catch 95 % of these it would turn away {0} of the real inputs instead of {1} (FPR95).")
        report.append(alarms.format(percent(after.fpr95), percent(before.fpr95)))
    return joined(report)
