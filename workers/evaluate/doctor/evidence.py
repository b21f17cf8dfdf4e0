"""How well one way of preparing goes with the model, example by example.

With labels: right or wrong; for sequences the area under the curve of each. Without: how much surer the model is of an
example than of the same values in random order (a noise control: a model may be sure of anything).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import WorkerError
from workers.evaluate.doctor.material import Example, Material
from workers.evaluate.proof.stats import at_least
from workers.infer.base import Session
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.spec import ImageSteps, PipelineError, Preprocess

Floats = NDArray[np.float64]


@dataclass
class Row:
    """What came of one way, the `number`-th that was thought of.

    `score[k]` and `fine[k]` are of the first examples, in their order; `fine` breaks ties. `predicted` are the classes,
    for what comes by guessing. `problem` says why it cannot run.
    """

    steps: Preprocess
    pipeline: Pipeline
    number: int = 0
    score: list[float] = field(default_factory=list)
    fine: list[float] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    problem: str = ""

    @property
    def n(self) -> int:
        return len(self.score)

    def cut(self, count: int) -> None:
        """Forget all but the first examples."""
        del self.score[count:], self.fine[count:], self.predicted[count:]

    @property
    def mean(self) -> float:
        return float(np.mean(self.score)) if self.score else -1.0

    @property
    def rank(self) -> float:
        """Right answers and how sure the model was of them, in equal parts: with few examples many ways tie."""
        return (self.mean + float(np.mean(self.fine))) / 2 if self.score else -2.0


def compared(best: Row, chosen: Row) -> tuple[float, float]:
    """One-sided exact p-value that `best` is no better (McNemar's test where scores are right or wrong, else the sign
    test), and by how much it is, over the examples that both were tried on."""
    n = min(best.n, chosen.n)
    if not n:
        return 1.0, 0.0
    difference = np.asarray(best.score[:n]) - np.asarray(chosen.score[:n])
    return sign_p(difference), float(difference.mean())


def sign_p(difference: Floats) -> float:
    """Exact one-sided sign test that differences are no more often above 0 than below; ties do not count."""
    more, less = int((difference > 0).sum()), int((difference < 0).sum())
    return at_least(more, more + less, 0.5)


class Scorer:
    """Runs ways over the examples. `runs` counts runs of the model."""

    def __init__(self, pipeline: Pipeline, session: Session, material: Material, seed: int) -> None:
        self._base, self._session, self.material, self._seed = pipeline, session, material, seed
        self.by_labels = material.has_labels
        self.runs = 0

    def row(self, steps: Preprocess) -> Row:
        """An empty row for a way."""
        spec = replace(self._base.spec, preprocess=steps)
        return Row(steps, Pipeline(spec, self._base.folder))

    def extend(self, row: Row, count: int) -> None:
        """Score the next examples of a way until it has `count`; a failure of the model ends it for good."""
        for example in self.material.examples[row.n : count]:
            if row.problem:
                return
            try:
                score, fine, predicted = self._score(row.pipeline, example)
            except (WorkerError, MemoryError):
                raise
            except Exception as error:  # every runtime has its own errors for inputs that do not fit
                row.problem = " ".join(str(error).split())[:200] or type(error).__name__
                row.score, row.fine, row.predicted = [], [], []
                return
            row.score.append(score)
            row.fine.append(fine)
            row.predicted.append(predicted)

    def _score(self, pipeline: Pipeline, example: Example) -> tuple[float, float, int]:
        feeds = pipeline.feeds_from(self.material.sample(example, pipeline.spec))
        shares = self._shares(pipeline, feeds)
        if pipeline.stateful:
            labels = self.material.moments(example, pipeline.spec, len(shares)) if self.by_labels else None
            if labels is not None:
                return (*_sequence(shares, np.asarray(labels)), 0)
            noise = self._shares(pipeline, shuffled(pipeline, feeds, self._seed + example.number))
            told = information(shares)
            return told - information(noise), told, 0
        row = shares.reshape(-1)
        predicted = int(row[0] > 0.5) if row.size == 1 else int(row.argmax())
        if self.by_labels:
            sure = row[0] if row.size == 1 and 1 in example.ids else 1 - row[0] if row.size == 1 else None
            fine = float(sure if sure is not None else sum(row[i] for i in example.ids if i < row.size))
            return float(predicted in example.ids), fine, predicted
        noise = self._shares(pipeline, shuffled(pipeline, feeds, self._seed + example.number))
        sure_of = sureness(row)
        return sure_of - sureness(noise.reshape(-1)), sure_of, predicted

    def _shares(self, pipeline: Pipeline, feeds: Arrays) -> Floats:
        """Probabilities of one example: (classes,), or one a moment."""
        self.runs += 1
        answer = np.asarray(pipeline.answer(self._session, feeds), np.float32)
        rows = answer.reshape(len(answer), -1)
        if not pipeline.stateful and len(rows) != 1:
            raise PipelineError("The model gave several answers to one example.")
        shares = np.asarray(pipeline.probabilities(rows), np.float64)
        if not np.isfinite(shares).all():
            raise PipelineError("The answers are no finite numbers.")
        return shares[:, 0] if pipeline.stateful and shares.shape[1] == 1 else shares


def _sequence(shares: Floats, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Area under the curve of one sequence (one half where it has one kind of moment only), and how sure."""
    scores = shares if shares.ndim == 1 else shares.argmax(axis=1).astype(np.float64)
    known = labels >= 0
    scores, truth = scores[known], labels[known] == 1
    if not truth.any() or truth.all():
        return 0.5, 0.5
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    positive = int(truth.sum())
    area = (ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive))
    return float(area), float(np.where(truth, scores, 1 - scores).mean())


def sureness(shares: Floats) -> float:
    """1 less the entropy of the shares as a part of the largest possible one: 0 for no idea, 1 for certain."""
    shares = np.array([1 - shares[0], shares[0]]) if shares.size == 1 else shares
    total = float(shares.sum())
    if total <= 0:
        return 0.0
    parts = np.clip(shares / total, 1e-12, 1.0)
    return float(1 + (parts * np.log(parts)).sum() / np.log(parts.size))


def information(shares: Floats) -> float:
    """Of a sequence: how much its moments tell beyond their mean (mutual information of moment and answer, 0..1)."""
    rows = np.stack([1 - shares, shares], axis=1) if shares.ndim == 1 else shares
    return float(np.mean([sureness(row) for row in rows]) - sureness(rows.mean(axis=0)))


def shuffled(pipeline: Pipeline, feeds: Mapping[str, NDArray[Any]], seed: int) -> Arrays:
    """The same values in random order: of pictures the places, of others the values."""
    rng, name = np.random.default_rng(seed), pipeline.main_input.name
    values, steps = np.asarray(feeds[name]), pipeline.spec.preprocess
    if isinstance(steps, ImageSteps) and values.ndim == 4:
        flat = (
            values.reshape(*values.shape[:2], -1)
            if steps.layout == "nchw"
            else values.reshape(len(values), -1, values.shape[3])
        )
        places = rng.permutation(flat.shape[2 if steps.layout == "nchw" else 1])
        mixed = flat[:, :, places] if steps.layout == "nchw" else flat[:, places]
    else:
        mixed = rng.permutation(values.reshape(-1))
    return {**feeds, name: np.ascontiguousarray(mixed.reshape(values.shape))}
