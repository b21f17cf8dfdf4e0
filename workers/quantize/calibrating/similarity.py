"""Set calibration inputs aside, and measure on them how similar a changed model's predictions are."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model, TechniqueParams
from workers.contracts.translation import _, mark
from workers.convert.inference import engines
from workers.evaluate.proof.similarity import similarities
from workers.infer.base import Arrays
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.postprocess import raw_head

RIVALS = 5
"""Number of classes besides the best one whose scores are used to estimate errors."""

NEAR = 4.0
"""Largest score difference that is used; a class e⁴ times less likely never wins, and its errors are larger."""

SMALLEST_SHARE = np.float32(1e-6)
SMALLEST_SPREAD = np.float32(1e-3)
"""Smallest spread of scores from 0 to 1, so that the noise of a class that never occurs does not count."""


@dataclass(frozen=True)
class Alike:
    """Similarity of predictions to the original's.

    `agreement` is the expected share of equal classes (None for models that do not classify) and `seen` the counted
    share. `cosine` is the mean similarity of the predictions, `n` the number of compared inputs.
    """

    agreement: float | None
    seen: float | None
    cosine: float
    n: int

    @property
    def error(self) -> float:
        """Return the share of predictions expected to change, or 1 − cosine for models that do not classify."""
        return 1 - (self.cosine if self.agreement is None else self.agreement)


class SimilarityParams(TechniqueParams):
    """Parameters of the required similarity of predictions."""

    min_agreement: float = Field(
        title="Least agreement",
        default=0.99,
        ge=0.5,
        le=1,
        description="For classes: share of the examples set aside that must get the same answer (expected from "
        "margins and errors, since there are few).",
    )
    min_cosine: float = Field(
        title="Least similarity",
        default=0.999,
        ge=0.5,
        le=1,
        description="For other results: the least cosine similarity to the original's.",
    )
    check_examples: int = Field(default=64, ge=2, le=500, description="Examples set aside to check with, at most.")

    def enough(self, alike: Alike) -> bool:
        """Return whether the predictions are similar enough, which `min_agreement` decides for classes."""
        if alike.agreement is None or alike.seen is None:
            return alike.cosine >= self.min_cosine
        return alike.agreement >= self.min_agreement and alike.seen >= self.min_agreement - 1 / alike.n


Answer = NDArray[np.float32]


class HeldOutExamples:
    """Some calibration inputs with the original's predictions (32-bit numbers, ONNX Runtime).

    For a detector, the raw head is compared instead of its boxes, each channel relative to its own `spread`. Boxes
    after NMS do not show small errors, and positions are large numbers compared with scores (docs/evaluation.md).
    """

    def __init__(
        self,
        pipeline: Pipeline,
        items: list[Arrays],
        raw: list[Answer],
        check: Callable[[], None],
        spread: tuple[Answer, Answer] | None = None,
    ) -> None:
        """Store inputs and predictions.

        Args:
            pipeline: reads predictions out of the model's outputs.
            items: the calibration inputs.
            raw: the original's prediction for each input, already normalized if `spread` is given.
            check: raises when the job is cancelled.
            spread: mean and standard deviation per channel; computed from `raw` for detectors if not given.
        """
        self._pipeline, self._items, self._check = pipeline, items, check
        self._spread = spread
        if pipeline.spec.postprocess is not None and spread is None and raw:
            rows = np.concatenate([answer.reshape(-1, answer.shape[-1]) for answer in raw])
            self._spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), SMALLEST_SPREAD)
        self.wanted = raw if spread is not None else [self._by_spread(answer) for answer in raw]

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self._items)

    def first(self, count: int) -> "HeldOutExamples":
        """Return the same with only the first `count` inputs."""
        return HeldOutExamples(self._pipeline, self._items[:count], self.wanted[:count], self._check, self._spread)

    def predict(self, session: Any) -> list[Answer]:
        """Return a session's predictions for all inputs, one array (n, …) each."""
        return [self._by_spread(raw) for raw in _predict(self._pipeline, session, self._items, self._check)]

    def _by_spread(self, raw: Answer) -> Answer:
        if self._spread is None or raw.shape[-1:] != self._spread[0].shape:
            return raw
        mean, spread = self._spread
        return np.asarray((raw - mean) / spread, np.float32)

    def judge(self, got: list[NDArray[np.float32]]) -> Alike:
        """Return the similarity of these predictions."""
        spec = self._pipeline.spec
        finite = all(np.isfinite(answer).all() for answer in got)
        cosine = float(similarities(self.wanted, got, spec.answer_kind == "embedding").mean()) if finite else 0.0
        if spec.answer_kind != "class":
            return Alike(None, None, cosine, len(got))
        old, new = np.concatenate(self.wanted), np.concatenate(got)
        if not finite or old.shape != new.shape:
            return Alike(0.0, 0.0, 0.0, len(got))
        old, new = (values.reshape(-1, values.shape[-1]) for values in (old, new))
        if spec.scores == "probabilities":  # margins of probabilities end at 1, those of their logarithms do not
            old, new = (np.log(np.maximum(values, SMALLEST_SHARE)) for values in (old, new))
        seen = float((old.argmax(axis=1) == new.argmax(axis=1)).mean())
        return Alike(expected_agreement(old, new), seen, cosine, len(got))

    def error(self, got: list[NDArray[np.float32]]) -> float:
        """Return the squared error of the predictions over the square of the original's: the cost of a change."""
        gone = sum(float(((a - b).astype(np.float64) ** 2).sum()) for a, b in zip(self.wanted, got, strict=True))
        size = sum(float((a.astype(np.float64) ** 2).sum()) for a in self.wanted)
        return gone / size if size else gone

    def error_of_file(self, path: Path, model: Model, threads: int) -> float:
        """Return the error of the file at `path`, opened in ONNX Runtime with the settings of `model`."""
        with closing(engines.open_file(path, model, "onnxruntime-cpu", threads)) as session:
            return self.error(self.predict(session))


def hold(model: Model, items: list[Arrays], ctx: JobContext) -> HeldOutExamples:
    """Run the unchanged model on these inputs and store its predictions."""
    pipeline = load_pipeline(model.folder)
    with closing(engines.open_file(model.main, model, "onnxruntime-cpu", ctx.threads)) as session:
        wanted = _predict(pipeline, session, items, ctx.check_cancelled)
    return HeldOutExamples(pipeline, items, wanted, ctx.check_cancelled)


def _predict(
    pipeline: Pipeline, session: Any, items: list[Arrays], check: Callable[[], None]
) -> list[NDArray[np.float32]]:
    answers = []
    for feeds in items:
        check()
        outputs = pipeline.run(session, feeds)
        steps = pipeline.spec.postprocess
        answers.append(pipeline.raw_of(outputs, feeds) if steps is None else raw_head(outputs, steps))
    return answers


def expected_agreement(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """Return the expected share of rows whose best class stays the same.

    `old` and `new` are scores (n, classes). With a dozen rows the counted share moves in steps of 8 %, while there are
    many differences between the best and the next classes. σ is the size of their errors, and each row's margin shows
    how near it is to a change. The result is the mean of Φ(margin / σ); on three models it was within .01 of the share
    that 600 inputs showed.
    """
    classes = old.shape[1]
    if classes < 2:
        return 1.0
    order = np.argsort(-old, axis=1, kind="stable")[:, : min(classes, RIVALS + 1)]
    before, after = (np.take_along_axis(values, order, axis=1).astype(np.float64) for values in (old, new))
    gaps_before, gaps_after = before[:, :1] - before[:, 1:], after[:, :1] - after[:, 1:]
    errors = (gaps_after - gaps_before)[gaps_before < NEAR]
    sigma = math.sqrt(float((errors**2).mean())) if errors.size else 0.0
    if sigma == 0:
        return 1.0
    margins = gaps_before[:, 0] / sigma
    return float(np.mean([0.5 * (1 + math.erf(margin / math.sqrt(2))) for margin in margins]))


CHECK_EVERY = 3
"""Every third input is set aside for checking."""

FEWEST = 6


def set_aside(ctx: JobContext, learn: int, check: int) -> tuple[list[Arrays], list[Arrays]]:
    """Return inputs to learn from (at most `learn`) and inputs to check with (at most `check`).

    Raises:
        InputRefused: there are too few inputs.
    """
    items = list(ctx.calibration(learn + check))
    if len(items) < FEWEST:
        raise InputRefused(
            "calibration_missing" if not items else "calibration_too_little",
            mark("There are too few examples") if items else mark("There are no examples to calibrate with"),
            _(
                "This technique learns from some examples and checks with others. It needs at least {0}, and "
                "there are {1}."
            ).format(FEWEST, len(items)),
            mark("Add data: pictures, texts or arrays like those that the model will see."),
        )
    numbers = range(CHECK_EVERY - 1, len(items), CHECK_EVERY)[:check]
    return [item for number, item in enumerate(items) if number not in numbers][:learn], [items[n] for n in numbers]
