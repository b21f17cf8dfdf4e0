"""Run the second side with any alternative, and measure how far its answers are from the first side's."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from workers.contracts.after.changes import CauseCode
from workers.contracts.base import RunParams
from workers.contracts.errors import InputRefused, JobCancelled, WorkerError
from workers.contracts.process.context import JobContext
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import compare_case
from workers.evaluate.proof.predictions import Predictions, answered, predict, predictions_of
from workers.explain.examples import Examples
from workers.explain.side import Rows, Side
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.pipeline.answers import one_item
from workers.pipeline.pipeline import Arrays, Pipeline, load_pipeline

KEPT_BYTES = 256 << 20
"""Answers are kept up to this size, because several changes of answers follow one run; the oldest go first."""
ALLOWED = 0.01
"""The share of results that may change, as far as the limits of further figures follow from it."""


@dataclass(frozen=True)
class Answers:
    """The answers of one side to all examples.

    Attributes:
        raw: Values of each example before boxes or masks are decoded.
        predictions: The same as predictions.
        noise: Standard error of the mean of repeated requests, in the unit of the values; 0 for single ones.
    """

    raw: Rows
    predictions: Predictions
    noise: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How one alternative compares.

    Attributes:
        error: Root of the mean squared difference of all values, divided by the first side's spread over the examples.
        differing: Number of examples whose result differs by the rule of the kind of result.
        n: Number of examples.
        agrees: Whether the rule finds no difference.
        noise: The part of `error` that random answers explain.
        failed: Whether the model refused these inputs.
    """

    error: float
    differing: int
    n: int
    agrees: bool
    noise: float = 0.0
    failed: bool = False

    @property
    def share(self) -> float:
        """Return the share of examples that differ."""
        return self.differing / self.n if self.n else 0.0


def answers_of(side: Side, answers: Iterable[tuple[Arrays, Mapping[str, NDArray[Any]]]]) -> Answers:
    """Return the answers of one side.

    Args:
        side: The side.
        answers: Prepared inputs and outputs of each example.
    """
    pipeline = Pipeline(side.spec, side.folder)
    raw: Rows = []
    decoded: list[NDArray[Any]] = []
    for feeds, outputs in answers:
        decoded.append(one_item(np.asarray(pipeline.answer_of(outputs, feeds), np.float32), feeds, side.spec))
        steps = side.spec.postprocess
        if steps is None:
            raw.append(decoded[-1])
        else:
            raw.append(np.concatenate([np.asarray(outputs[name], np.float32).ravel() for name in steps.outputs]))
    return Answers(raw, predictions_of(pipeline, decoded, {}, _finite(raw)))


class Runner:
    """Runs the second side's alternatives on the same examples. The job owns one instance and closes it.

    Attributes:
        reference: The first side's answers.
        all: Places of all examples.
        samples: Returns the examples as a description needs them.
        model_dir: Folder of the model whose preparation is varied.
        own: Preprocessing that its files state.
        work_dir: Folder for changed copies of files.
    """

    def __init__(self, reference: Answers, examples: Examples, params: RunParams, ctx: JobContext) -> None:
        """Create a runner; `params` are those of the model that is varied."""
        self.reference, self.all, self.samples = reference, tuple(range(len(reference.raw))), examples.samples
        self.model_dir, self.work_dir = Path(params.model_dir), ctx.work_dir
        self.own = load_pipeline(self.model_dir).spec.preprocess
        self._params, self._ctx = params, ctx
        self._sessions: dict[Path | None, Session] = {}
        self._answers: dict[tuple[Any, ...], Answers] = {}

    def close(self) -> None:
        """Close all sessions."""
        for session in self._sessions.values():
            session.close()

    def feeds(self, side: Side, places: Sequence[int]) -> list[Arrays]:
        """Return the prepared inputs of the examples at these places."""
        pipeline = Pipeline(side.spec, side.folder)
        samples, found = self.samples(side.spec), []
        for at in places:
            self._ctx.check_cancelled()
            feeds = pipeline.feeds_from(samples[at])
            for change in side.feeds:
                feeds = change(feeds, side.spec)
            found.append(feeds)
        return found

    def answers(self, side: Side, places: tuple[int, ...]) -> Answers:
        """Return the second side's own answers to the examples at these places."""
        key = (*side.run_key, places)
        if key not in self._answers:
            session = self._session(side.model)
            feeds = self.feeds(side, places)
            pipeline, n = Pipeline(side.spec, side.folder), len(feeds)
            rounds = [answers_of(side, answered(pipeline, session, feeds, 0, n)) for _ in range(side.repeats)]
            self._answers[key] = rounds[0] if side.repeats == 1 else _mean_of(side, rounds)
            while len(self._answers) > 1 and sum(map(_size, self._answers.values())) > KEPT_BYTES:
                del self._answers[next(iter(self._answers))]
        return self._answers[key]

    def _session(self, model: Path | None) -> Session:
        if model not in self._sessions:
            folder, params = model or self.model_dir, self._params
            self._sessions[model] = open_session(folder, params.runtime, params.settings, self._ctx.threads)
        return self._sessions[model]

    def outcome(self, side: Side, places: tuple[int, ...]) -> Outcome:
        """Return how an alternative compares on the examples at these places."""
        n = len(places)
        try:
            first, second = self.both(side, places)
        except (JobCancelled, MemoryError):
            raise
        except (WorkerError, ValueError, LookupError, TypeError):  # inputs that do not fit the model
            return Outcome(math.inf, n, n, agrees=False, failed=True)
        distance, scale = relative_error(first.raw, second.raw)
        differing, counted, agrees = _by_rule(first.predictions, second.predictions)
        return Outcome(distance, differing, counted, agrees, noise=second.noise / scale if scale else 0.0)

    def both(self, side: Side, places: tuple[int, ...]) -> tuple[Answers, Answers]:
        """Return both sides' answers after all changes; raise ValueError if they do not suit them."""
        second = self.answers(side, places)
        first = Answers([self.reference.raw[at] for at in places], _only(self.reference.predictions, places))
        a, b = first.raw, second.raw
        for change in side.answers:
            a, b = change(a, b)
        if not side.answers:
            return first, second
        return _again(first, a, as_shares=side.as_shares), _again(second, b, as_shares=side.as_shares)


def _size(answers: Answers) -> int:
    return sum(row.nbytes for row in answers.raw)


def _finite(raw: Rows) -> NDArray[np.bool_]:
    return np.asarray([bool(np.isfinite(row).all()) for row in raw], np.bool_)


def _again(answers: Answers, raw: Rows, *, as_shares: bool) -> Answers:
    """Return predictions of changed values."""
    old = answers.predictions
    finite = _finite(raw)
    scores = "probabilities" if as_shares else old.scores
    predicted = predict(raw, finite, old.answer_kind, scores, old.stateful)
    return Answers(raw, replace(old, answer=raw, finite=finite, scores=scores, predicted=predicted), answers.noise)


def _only(predictions: Predictions, places: Sequence[int]) -> Predictions:
    """Return the predictions of the items at these places."""
    at = list(places)
    return replace(
        predictions,
        answer=[predictions.answer[i] for i in at],
        finite=predictions.finite[at],
        predicted=None if predictions.predicted is None else predictions.predicted[at],
        texts=None if predictions.texts is None else [predictions.texts[i] for i in at],
    )


def _mean_of(side: Side, rounds: Sequence[Answers]) -> Answers:
    """Return the mean of equal requests."""
    raw: Rows = [np.mean([one.raw[at] for one in rounds], axis=0) for at in range(len(rounds[0].raw))]
    spread = [np.std([one.raw[at] for one in rounds], axis=0, ddof=1) for at in range(len(raw))]
    noise = math.sqrt(float(np.mean([np.mean(part**2) for part in spread])) / len(rounds))
    if side.spec.postprocess is not None:
        return replace(rounds[0], noise=noise)
    return replace(_again(rounds[0], raw, as_shares=False), noise=noise)


def relative_error(first: Rows, second: Rows) -> tuple[float, float]:
    """Return the error of `second`, and the spread of `first` that it is divided by.

    The spread is that of each value over the examples, so that a constant part of all answers hides nothing. Answers of
    other shapes, or that are not finite, have an infinite error.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if np.isfinite(a).all()]
    if not pairs or any(a.shape != b.shape or not np.isfinite(b).all() for a, b in pairs):
        return math.inf, 1.0
    flat = [a.ravel().astype(np.float64) for a, _ in pairs]
    equal = len({row.size for row in flat}) == 1 and len(flat) > 1
    middle: Any = np.mean(flat, axis=0) if equal else float(np.mean(np.concatenate(flat)))
    spread = _rms([row - middle for row in flat]) or _rms(flat)
    error = _rms([b.ravel() - a.ravel() for a, b in pairs])
    return (error / spread if spread else error), spread or 1.0


def _rms(rows: Sequence[NDArray[Any]]) -> float:
    values = np.concatenate([row.astype(np.float64) for row in rows])
    return math.sqrt(float(np.mean(values**2))) if values.size else 0.0


def _by_rule(first: Predictions, second: Predictions) -> tuple[int, int, bool]:
    """Return how many of how many examples differ by the rule of the kind of result, and whether all agree."""
    items = tuple(Item(source=str(at)) for at in range(first.n))
    case = case_of(DataSet(kind="arrays", origin="person", test=items), first, second)
    if not len(case.items):
        raise InputRefused(
            "nothing_to_compare",
            "Nothing can be compared",
            "The first side gives no finite numbers for any of these examples.",
            "Check that the model and the examples fit.",
        )
    found = compare_case(case)
    count = int(found.changed.sum())
    gated = any(gate.estimate > gate.allowed(ALLOWED) for gate in found.gates)
    whole = len(found.items) or len(case.items)
    return count, whole, not (count or found.broken or gated)


@dataclass(frozen=True)
class Proposal:
    """One alternative of the second side.

    Attributes:
        side: The second side with it.
        parameter: The setting that differs.
        before: Its value so far; `after` is the one that is tried.
        words: What the other side has, in the middle of a sentence ("BGR pictures").
        gives: Whether the words are about its answers, not about its inputs.
        found: Returns the value of `after` from both sides' answers, where it follows from them.
    """

    side: Side
    parameter: str
    before: JsonValue
    after: JsonValue
    words: str
    gives: bool = False
    found: Callable[[Rows, Rows], JsonValue] | None = None


@dataclass(frozen=True)
class CauseKind:
    """One usual difference. Each module of `workers.explain.causes` owns one instance.

    Attributes:
        id: Unique code.
        order: Order in which differences are combined: inputs before answers.
        propose: Returns the alternatives of a side with this preprocessing.
        steps: The preprocessing that may differ so; by default any.
    """

    id: CauseCode
    order: int
    propose: Callable[[Side, Any, Runner], Iterable[Proposal]]
    steps: type = object
