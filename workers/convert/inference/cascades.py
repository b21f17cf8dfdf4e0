"""Make the fast version of a cascade, compare it with the exact one, and learn the threshold between them.

The threshold is the margin above which the fast model predicts like the exact one. Two classes change places where the
fast model's error in their distance exceeds that distance. Errors occur on every input, changed predictions on few. So
the threshold follows from the distribution of the errors, and is never below the observed margins of changed
predictions.
"""

import importlib
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model
from workers.convert.inference.changed_inputs import changed_copy
from workers.infer.base import Arrays, Session
from workers.infer.cascade import LEAST
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import PipelineSpec

Floats = NDArray[np.float64]

RIVALS = 4
"""Number of classes after the best one that are considered; lower ones do not win by a rounding error."""

HEADROOM = 1.1
"""Factor over the largest observed margin of a changed prediction."""


@dataclass(frozen=True)
class Looks:
    """Comparison of the two models, in logits.

    `margins` (n,) are those of the fast model. `ahead` (n, rivals) holds the distances of its best class, `errors` the
    errors of these distances. `changed` (n,) marks rows whose best class differs, `real` (n,) original examples; the
    others are changed copies.
    """

    margins: Floats
    ahead: Floats
    errors: Floats
    changed: NDArray[np.bool_]
    real: NDArray[np.bool_]


def look(fast: NDArray[Any], exact: NDArray[Any], scores: str, real: NDArray[np.bool_]) -> Looks:
    """Compare the predictions (n, classes) of both models for original examples (`real`) and changed copies."""
    a, b = logits(fast, scores), logits(exact, scores)
    order = np.argsort(-a, axis=1, kind="stable")[:, : RIVALS + 1]
    ranked, same = np.take_along_axis(a, order, 1), np.take_along_axis(b, order, 1)
    ahead = ranked[:, :1] - ranked[:, 1:]
    errors = ahead - (same[:, :1] - same[:, 1:])
    return Looks(ahead[:, 0], ahead, errors, a.argmax(1) != b.argmax(1), real)


def logits(answer: NDArray[Any], scores: str) -> Floats:
    """Return scores as logits; probabilities become their logarithms, as in `workers.infer.cascade`."""
    values = answer.astype(np.float64)
    return np.log(np.maximum(values, LEAST)) if scores == "probabilities" else values


def learn_threshold(looks: Looks, missed_share: float) -> float:
    """Return the smallest margin above which at most `missed_share` of all inputs would be predicted differently."""
    ahead, errors = looks.ahead, looks.errors
    finite = errors[np.isfinite(errors)]
    spread = float(np.sqrt(np.mean(finite**2))) if finite.size else 0.0
    risk = np.minimum(1.0, _beyond(ahead, finite, spread).sum(axis=1))
    order = np.argsort(looks.margins, kind="stable")
    beyond = np.cumsum(risk[order][::-1])[::-1] / len(order)  # risk of this row and of all with a larger margin
    enough = np.flatnonzero(beyond <= missed_share)
    learned = float(looks.margins[order][enough[0]]) if enough.size else float(looks.margins.max()) * HEADROOM
    seen = looks.margins[looks.changed]
    return max(learned, HEADROOM * float(seen.max()) if seen.size else 0.0)


def _beyond(distances: Floats, errors: Floats, spread: float) -> Floats:
    """Return the probability that an error exceeds a distance.

    It is the larger of the observed share and the probability under a normal distribution.
    """
    ranked = np.sort(errors)
    seen = 1.0 - np.searchsorted(ranked, distances, side="left") / max(1, ranked.size)
    if spread <= 0:
        return np.asarray(seen, np.float64)
    tail = np.vectorize(math.erfc)(distances / (spread * math.sqrt(2))) / 2
    return np.asarray(np.maximum(seen, tail), np.float64)


LEARN_SHARE = 2 / 3


def predict_both(
    pipeline: Pipeline,
    fast: Session,
    exact: Session,
    items: Sequence[Arrays],
    copies: int,
    max_s: float,
    ctx: JobContext,
) -> tuple[Looks, Looks]:
    """Run both versions on all examples, and on `copies` changed copies of each, in random order and at most `max_s`.

    Returns:
        Two thirds to learn from and one third to check with; copies stay together with their example.
    """
    order = np.random.default_rng(ctx.seed).permutation(len(items)).tolist()
    cut = max(1, round(LEARN_SHARE * len(order)))

    def compared(numbers: list[int], share: float) -> Looks:
        end_s = time.monotonic() + share * max_s
        first, second, real = [], [], []
        total = len(numbers) * (1 + copies)
        for done, (feeds, is_real) in enumerate(_inputs(items, numbers, pipeline.spec, copies, ctx.seed)):
            ctx.check_cancelled()
            ctx.progress("Compare both versions", done, total, "examples")
            if time.monotonic() > end_s and done >= min(len(numbers), 4):
                break
            first.append(pipeline.answer(fast, feeds))
            second.append(pipeline.answer(exact, feeds))
            real.append(is_real)
        answers = np.concatenate(first)
        if answers.ndim != 2 or answers.shape[1] < 2 or len(answers) != len(real):
            raise no_classes()
        return look(answers, np.concatenate(second), pipeline.spec.scores, np.array(real))

    return compared(order[:cut], LEARN_SHARE), compared(order[cut:], 1 - LEARN_SHARE)


def _inputs(
    items: Sequence[Arrays], numbers: list[int], spec: PipelineSpec, copies: int, seed: int
) -> Iterator[tuple[Arrays, bool]]:
    """Yield all examples first, then one copy of each, then a second one, because time may run out."""
    for index in numbers:
        yield items[index], True
    for number in range(copies):
        for index in numbers:
            yield changed_copy(items, index, number, spec, seed), False


def no_classes() -> InputRefused:
    """Return the error for models whose predictions are not single classes."""
    return InputRefused(
        "answers_are_no_classes",
        "This model gives no classes",
        "Only where each answer is one class out of several does its distance from the second tell how sure it is.",
        "Leave this step out of the recipe.",
    )


def share(flags: Any) -> float:
    """Return the share of true values; 0 where there are none."""
    return float(np.mean(flags)) if len(flags) else 0.0


FOLDER = "first"
MADE_BY = {"precision_by_operator": "workers.convert", "int8_static": "workers.quantize"}
"""Package of each technique whose fast version has its own files."""


def make_first(model: Model, technique: str, ctx: JobContext, folder: Path) -> ModelArtifact:
    """Make the fast version below `folder` with the technique's usual parameters.

    Returns:
        Its description: `settings` are those that differ from the model's, `files` those that it has for itself.
    """
    if technique == "bf16":
        changes = {"settings": {"inference_precision": "bf16"}, "precision": "bf16", "files": ()}
        return model.artifact.model_copy(update=changes)
    spec = importlib.import_module(f"{MADE_BY[technique]}.{technique}").SPEC
    scratch = folder / "scratch"
    scratch.mkdir()
    artifact: ModelArtifact = spec.apply(model, spec.params(), derived(ctx, work_dir=scratch))
    files = []
    for entry in artifact.files:
        target = folder / FOLDER / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(scratch / "model" / entry.path, target)
        files.append(entry.model_copy(update={"path": f"{FOLDER}/{entry.path}"}))
    shutil.rmtree(scratch)
    known = model.artifact.settings
    own = {name: value for name, value in artifact.settings.items() if name not in known or known[name] != value}
    return artifact.model_copy(update={"settings": own, "main": f"{FOLDER}/{artifact.main}", "files": tuple(files)})
