"""Find out whether the original's results on its inputs look like noise, and report it only in clear cases.

With labels: no more predictions are right than by guessing. Without labels: results hardly differ from example to
example, and the model is no more confident about them than about the same values in random order. Measured on real
models, results for correctly prepared examples of several kinds differ by 1.5 to 3.6 times their own size, of one kind
alone by .39 and more. For numbers that are 255 times too small they differ by .03 to .05, and for noise by .11.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.fed import FedCode, FedFinding, FedParams
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.doctor.evidence import shuffled, sureness
from workers.evaluate.proof.pairs import GUESS_ITEMS, is_guessing
from workers.evaluate.proof.predictions import model_failures, predict
from workers.evaluate.proof.tasks.moments import auc
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import BoxesSteps, MaskSteps, TranscriptSteps

STAGE = mark("Running the original on some examples")
FEWEST = 8
"""Fewer examples prove nothing."""
ALIKE = 0.15
"""Results may be noise if their spread from example to example, as a share of their own size, is below this."""
ALIKE_VECTORS = 0.04
"""The same limit for embeddings: below it, any two of them have a cosine above .998."""
THE_SAME = 1e-6
SURER = 0.05
"""If the confidence (1 − normalized entropy) for examples exceeds that for noise by this much, results are not noise.
"""
FEWEST_CLASSES = 3
"""With two classes, one of them is often the right prediction for nearly all examples."""
MOMENTS, AUC_GUESSING = 300, 0.55
SMALLEST_SHARE = 1e-7

Floats = NDArray[np.float64]
HINT = mark("Check how they are prepared: size, range of the numbers, colors, order of the axes.")


def predict_original(
    params: FedParams, pipeline: Pipeline, data: DataSet, test: Prepared, ctx: JobContext
) -> tuple[list[NDArray[np.float32]], list[FedFinding]]:
    """Run the original on some examples and return its results, each (1, …), and findings.

    Raises:
        InputRefused: If the model cannot run on the examples.
    """
    ends_s = time.monotonic() + params.seconds
    with closing(open_session(Path(params.model_dir), params.runtime, {}, ctx.threads)) as session:
        answers = list(_answers(params, pipeline, session, test, ends_s, ctx))
        found = _by_results(pipeline, answers)
        if found is None:
            found = _by_labels(pipeline, data, answers)
        if found is None:
            found = _by_looks(pipeline, session, test, answers, ctx)
    return answers, found


def _answers(
    params: FedParams, pipeline: Pipeline, session: Session, test: Prepared, ends_s: float, ctx: JobContext
) -> Iterator[NDArray[np.float32]]:
    for number in in_steps(ctx, STAGE, range(min(params.most_answers, len(test))), "examples"):
        if number >= FEWEST and time.monotonic() > ends_s:
            break
        yield answer_to(pipeline, session, {name: np.array(value) for name, value in test[number].items()})
    ctx.progress(STAGE, 1, 1, "examples")


def answer_to(pipeline: Pipeline, session: Session, feeds: Arrays) -> NDArray[np.float32]:
    """Return the prediction for one example.

    Raises:
        InputRefused: If the model fails.
    """
    hint = mark("The preparation probably does not fit the model, or these are examples for another one.")
    with model_failures(mark("The model failed at one of the examples"), hint):
        return np.asarray(pipeline.answer(session, feeds), np.float32)


def _warning(
    code: FedCode, what: str, n: int, found: float = 0.0, expected: float | None = None, *, advice: str = ""
) -> FedFinding:
    hint = joined([_(HINT), advice])
    return FedFinding(code=code, level="warning", what=what, hint=hint, n=n, found=found, expected=expected)


def _by_results(pipeline: Pipeline, answers: Sequence[NDArray[np.float32]]) -> list[FedFinding] | None:
    """Return a finding if a model finds nothing in all examples, because they prove nothing; None for other models."""
    steps, n = pipeline.spec.postprocess, len(answers)
    if isinstance(steps, BoxesSteps):
        threshold = steps.score_threshold
        finds = any((answer[..., 4] >= threshold).any() for answer in answers)
        what = _("0 objects in {0:,} pictures (scores from {1:g} on).").format(n, threshold)
        advice = _("Or choose a lower threshold, or pictures with something to find.")
    elif isinstance(steps, MaskSteps):
        finds = any((answer > 0).any() for answer in answers)
        what = _("Nothing is found in {0:,} pictures: each mask is background alone.").format(n)
        advice = _("Or choose pictures with something to find.")
    elif isinstance(steps, TranscriptSteps):
        finds = any(pipeline.text_of(answer) for answer in answers)
        what = _("No word is read in {0:,} examples.").format(n)
        advice = _("Or choose examples in which something is said or written.")
    else:
        return None
    return [] if finds or not answers else [_warning("nothing_found", what, n, advice=advice)]


def _by_labels(pipeline: Pipeline, data: DataSet, answers: Sequence[NDArray[np.float32]]) -> list[FedFinding] | None:
    """Return findings by labels; None if there are too few labels, or labels of one class only."""
    if pipeline.stateful:
        return _by_moments(pipeline, data, answers)
    spec = pipeline.spec
    predictions = [answer[0] if len(answer) == 1 else answer for answer in answers]
    finite = np.asarray([bool(np.isfinite(one).all()) for one in predictions])
    classes = predict(predictions, finite, spec.answer_kind, spec.scores, stateful=False)
    if classes is None:
        return None
    labelled = [(int(found), item.labels) for found, item in zip(classes, data.test, strict=False) if item.labels]
    labels, n = [accepted for _, accepted in labelled], len(labelled)
    if n < GUESS_ITEMS or len(set(labels)) < 2:
        return None
    hits = sum(found in accepted for found, accepted in labelled)
    if not is_guessing(labels, hits, max(2, predictions[0].size)):
        return []
    what = _("The original’s answers are no better than guessing: {0:,} of {1:,} answers are right.").format(hits, n)
    return [_guessing(n, hits / n, None, what)]


def _by_moments(pipeline: Pipeline, data: DataSet, answers: Sequence[NDArray[np.float32]]) -> list[FedFinding] | None:
    scores, truth = [], []
    for answer, labels in zip(answers, data.steps, strict=False):
        if labels is None or answer.size != len(answer):
            continue
        labelled = labels[: len(answer)] >= 0
        scores.append(answer.reshape(-1)[: len(labelled)][labelled])
        truth.append(labels[: len(answer)][labelled] > 0)
    is_true = np.concatenate(truth) if truth else np.zeros(0, bool)
    if len(is_true) < MOMENTS or is_true.all() or not is_true.any():
        return None
    area = auc(np.concatenate(scores).astype(np.float64), is_true)
    if area is None or area > AUC_GUESSING:
        return []
    what = _(
        "The original’s answers are no better than guessing: {0} of pairs of moments are in the right order."
    ).format(percent(area, 0))
    return [_guessing(len(is_true), area, 0.5, what)]


def _guessing(n: int, found: float, expected: float | None, what: str) -> FedFinding:
    advice = _("Or the labels mean something else than the model does.")
    return _warning("guessing", what, n, found, expected, advice=advice)


def _by_looks(
    pipeline: Pipeline, session: Session, test: Prepared, answers: Sequence[NDArray[np.float32]], ctx: JobContext
) -> list[FedFinding]:
    kind = pipeline.spec.answer_kind
    alike_shapes = len({answer.shape for answer in answers}) == 1
    if len(answers) < FEWEST or not alike_shapes or kind == "tokens":
        return []
    rows = np.stack([answer.ravel() for answer in answers]).astype(np.float64)
    if not np.isfinite(rows).all():
        return []
    if float(np.abs(rows - rows[0]).max()) <= THE_SAME * max(1.0, float(np.abs(rows).max())):
        what = _("The original gives the very same result to all of {0:,} examples.").format(len(rows))
        return [_warning("all_alike", what, len(rows))]
    if kind == "embedding":
        spread = _spread(rows, centered=False)
        return [_like_noise(len(rows), spread, ALIKE_VECTORS)] if spread < ALIKE_VECTORS else []
    if kind != "class" or pipeline.stateful or rows.shape[1] < FEWEST_CLASSES:
        return []
    spread = _spread(_scores(pipeline, rows), centered=True)
    if spread >= ALIKE or _is_surer(pipeline, session, test, rows, ctx):
        return []
    return [_like_noise(len(rows), spread, ALIKE)]


def _scores(pipeline: Pipeline, rows: Floats) -> Floats:
    """Return the rows as logits, because probabilities close to 0 and 1 hide how much results differ."""
    if pipeline.spec.scores != "probabilities":
        return rows
    logits: Floats = np.log(np.maximum(rows, SMALLEST_SHARE))
    return logits


def _spread(rows: Floats, *, centered: bool) -> float:
    """Return the root mean square distance of results from their mean, as a share of the mean's own size."""
    mean = rows.mean(axis=0)
    size = float(np.linalg.norm(mean - mean.mean() if centered else mean))
    return float(np.sqrt(np.square(rows - mean).sum(axis=1).mean())) / max(size, 1e-12)


def _is_surer(pipeline: Pipeline, session: Session, test: Prepared, rows: Floats, ctx: JobContext) -> bool:
    """Return whether the model is more confident about the examples than about their values in random order."""
    count = min(len(rows), 16)
    own, noise = [], []
    for number in range(count):
        ctx.check_cancelled()
        feeds: dict[str, NDArray[Any]] = {name: np.array(value) for name, value in test[number].items()}
        mixed = answer_to(pipeline, session, shuffled(pipeline, feeds, ctx.seed + number)).reshape(1, -1)
        own.append(sureness(_shares(pipeline, rows[number][None])))
        noise.append(sureness(_shares(pipeline, mixed)))
    return float(np.mean(own) - np.mean(noise)) >= SURER


def _shares(pipeline: Pipeline, row: NDArray[Any]) -> Floats:
    shares: Floats = np.asarray(pipeline.probabilities(row.astype(np.float32)), np.float64)[0]
    return shares


def _like_noise(n: int, spread: float, limit: float) -> FedFinding:
    what = _("The original’s results on {0:,} examples hardly differ, as they would on noise.").format(n)
    return _warning("like_noise", what, n, spread, limit)
