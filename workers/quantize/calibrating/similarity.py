"""How alike a changed model answers on calibration inputs that were set aside: never on the test inputs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.convert.asking import engines
from workers.evaluate.proof.similarity import similarities
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.postprocess import raw_head

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds

RIVALS = 5
"""Classes beside the best one whose scores tell how large errors are."""

NEAR = 4.0
"""Differences of scores beyond this (a class e⁴ times less likely) never change an answer; their errors are larger."""

SMALLEST_SHARE = np.float32(1e-6)
SMALLEST_SPREAD = np.float32(1e-3)
"""Of scores from 0 to 1: a class that never shows would else count by its noise."""


@dataclass(frozen=True)
class Alike:
    """`agreement`: expected share of same classes (None where answers are no classes), `seen` the share counted,
    `cosine` the mean similarity of the answers, `n` how many were compared."""

    agreement: float | None
    seen: float | None
    cosine: float
    n: int


Answer = NDArray[np.float32]


class Held:
    """Some calibration inputs with the original's answers (32-bit numbers, ONNX Runtime).

    A detector's raw head stands for its boxes, each channel by its own `spread`: boxes that NMS has chosen say nothing
    of small errors, and places are large numbers beside scores (EVALUATION.md).
    """

    def __init__(
        self,
        pipeline: Pipeline,
        items: "list[Feeds]",
        raw: list[Answer],
        check: Callable[[], None],
        spread: tuple[Answer, Answer] | None = None,
    ) -> None:
        self._pipeline, self._items, self._check = pipeline, items, check
        self._spread = spread
        if pipeline.spec.postprocess is not None and spread is None and raw:
            rows = np.concatenate([answer.reshape(-1, answer.shape[-1]) for answer in raw])
            self._spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), SMALLEST_SPREAD)
        self.wanted = raw if spread is not None else [self._by_spread(answer) for answer in raw]

    def __len__(self) -> int:
        return len(self._items)

    def first(self, count: int) -> "Held":
        """The same with fewer inputs."""
        return Held(self._pipeline, self._items[:count], self.wanted[:count], self._check, self._spread)

    def ask(self, session: Any) -> list[Answer]:
        """A session's answers to all inputs, one array (n, …) each."""
        return [self._by_spread(raw) for raw in _ask(self._pipeline, session, self._items, self._check)]

    def _by_spread(self, raw: Answer) -> Answer:
        if self._spread is None or raw.shape[-1:] != self._spread[0].shape:
            return raw
        mean, spread = self._spread
        return np.asarray((raw - mean) / spread, np.float32)

    def judge(self, got: list[NDArray[np.float32]]) -> Alike:
        """How alike these answers are."""
        spec = self._pipeline.spec
        finite = all(np.isfinite(answer).all() for answer in got)
        cosine = float(similarities(self.wanted, got, spec.answer_kind == "embedding").mean()) if finite else 0.0
        if spec.answer_kind != "class":
            return Alike(None, None, cosine, len(got))
        old, new = np.concatenate(self.wanted), np.concatenate(got)
        if not finite or old.shape != new.shape:
            return Alike(0.0, 0.0, 0.0, len(got))
        old, new = (values.reshape(-1, values.shape[-1]) for values in (old, new))
        if spec.scores == "probabilities":  # margins of shares end at 1, those of their logarithms do not
            old, new = (np.log(np.maximum(values, SMALLEST_SHARE)) for values in (old, new))
        seen = float((old.argmax(axis=1) == new.argmax(axis=1)).mean())
        return Alike(expected_agreement(old, new), seen, cosine, len(got))

    def error(self, got: list[NDArray[np.float32]]) -> float:
        """Mean squared error of answers over the original's mean square: what a change costs, as one number."""
        gone = sum(float(((a - b).astype(np.float64) ** 2).sum()) for a, b in zip(self.wanted, got, strict=True))
        size = sum(float((a.astype(np.float64) ** 2).sum()) for a in self.wanted)
        return gone / size if size else gone


def hold(model: Model, items: "list[Feeds]", ctx: JobContext) -> Held:
    """Ask the model as it is, and keep its answers."""
    pipeline = load_pipeline(model.folder)
    session = engines.open_file(model.main, model, "onnxruntime-cpu", ctx.threads)
    wanted = _ask(pipeline, session, items, ctx.check_cancelled)
    session.close()
    return Held(pipeline, items, wanted, ctx.check_cancelled)


def _ask(
    pipeline: Pipeline, session: Any, items: "list[Feeds]", check: Callable[[], None]
) -> list[NDArray[np.float32]]:
    answers = []
    for feeds in items:
        check()
        outputs = pipeline.run(session, feeds)
        steps = pipeline.spec.postprocess
        answers.append(pipeline.raw_of(outputs, feeds) if steps is None else raw_head(outputs, steps))
    return answers


def expected_agreement(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """Share of rows whose best class stays, as the errors' size and the margins of the rows let expect.

    `old` and `new` are scores (n, classes). With a dozen rows the share that is counted moves in steps of 8 %, while
    the differences between the best and the next classes are many: σ is the size of their errors, and each row's
    margin says how near it is to a change. The mean of Φ(margin / σ); on three models it was within .01 of what 600
    inputs showed.
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
