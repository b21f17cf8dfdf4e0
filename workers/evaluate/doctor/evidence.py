"""Measure how well one preprocessing fits the model, example by example.

With labels: right or wrong, and for sequences the area under the ROC curve of each. Without labels: how much more
confident the model is about an example than about the same values in random order. This noise control is needed because
a model can be confident about anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import WorkerError
from workers.contracts.translation import _
from workers.evaluate.data.base import reason_of
from workers.evaluate.doctor.material import Example, Material
from workers.evaluate.proof.stats import at_least
from workers.evaluate.proof.tasks.moments import auc
from workers.infer.base import Session
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.spec import ImageSteps, PipelineError, Preprocess

Floats = NDArray[np.float64]


@dataclass
class PreparationScore:
    """Results of one preprocessing.

    Attributes:
        steps: The preprocessing.
        pipeline: The pipeline with this preprocessing.
        number: Position in the order in which preprocessings were created.
        score: Scores of the first examples, in their order.
        fine: Finer scores of the same examples, which break ties.
        predicted: Predicted classes of the same examples, for the rate of guessing.
        problem: Why the preprocessing cannot run; "" if it can.
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
        """Return the number of scored examples."""
        return len(self.score)

    def cut(self, count: int) -> None:
        """Drop the results of all but the first `count` examples."""
        del self.score[count:], self.fine[count:], self.predicted[count:]

    @property
    def mean(self) -> float:
        """Return the mean score; −1 without results."""
        return float(np.mean(self.score)) if self.score else -1.0

    @property
    def rank(self) -> float:
        """Return the mean of both scores; −2 without results.

        With few examples many preprocessings tie by right predictions alone.
        """
        return (self.mean + float(np.mean(self.fine))) / 2 if self.score else -2.0


def compared(best: PreparationScore, chosen: PreparationScore) -> tuple[float, float]:
    """Compare two preprocessings over the examples that both were tried on.

    Returns:
        The one-sided exact p-value that `best` is not better, and the mean difference of the scores. The test is
        McNemar's if scores are right or wrong, else the sign test.
    """
    n = min(best.n, chosen.n)
    if not n:
        return 1.0, 0.0
    difference = np.asarray(best.score[:n]) - np.asarray(chosen.score[:n])
    return sign_p(difference), float(difference.mean())


def sign_p(difference: Floats) -> float:
    """Return the p-value of the exact one-sided sign test that differences are above 0 no more often than below.

    Ties do not count.
    """
    more, less = int((difference > 0).sum()), int((difference < 0).sum())
    return at_least(more, more + less, 0.5)


class Scorer:
    """Scores preprocessings on the examples. One search owns one instance.

    Attributes:
        material: The examples.
        by_labels: Whether labels decide.
        runs: Number of runs of the model.
    """

    def __init__(self, pipeline: Pipeline, session: Session, material: Material, seed: int) -> None:
        """Create a scorer that runs the model in `session` on the examples of `material`; `seed` shuffles values."""
        self._base, self._session, self.material, self._seed = pipeline, session, material, seed
        self.by_labels = material.has_labels
        self.runs = 0

    def row(self, steps: Preprocess) -> PreparationScore:
        """Return an empty row for a preprocessing."""
        spec = replace(self._base.spec, preprocess=steps)
        return PreparationScore(steps, Pipeline(spec, self._base.folder))

    def extend(self, row: PreparationScore, count: int) -> None:
        """Score the next examples of a row until it has `count`; after a failure of the model the row stays empty."""
        for example in self.material.examples[row.n : count]:
            if row.problem:
                return
            try:
                score, fine, predicted = self._score(row.pipeline, example)
            except (WorkerError, MemoryError):
                raise
            except Exception as error:  # Every runtime raises its own errors for inputs that do not fit.
                row.problem = reason_of(error, 200)
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
            report = information(shares)
            return report - information(noise), report, 0
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
        """Return the probabilities of one example: (classes,), or one row per time step."""
        self.runs += 1
        answer = np.asarray(pipeline.answer(self._session, feeds), np.float32)
        rows = answer.reshape(len(answer), -1)
        if not pipeline.stateful and len(rows) != 1:
            raise PipelineError(_("The model gave several answers to one example."))
        shares = np.asarray(pipeline.probabilities(rows), np.float64)
        if not np.isfinite(shares).all():
            raise PipelineError(_("The answers are no finite numbers."))
        return shares[:, 0] if pipeline.stateful and shares.shape[1] == 1 else shares


def _sequence(shares: Floats, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the area under the ROC curve of one sequence, and the mean probability of the right class.

    Both are one half if all time steps have the same label.
    """
    scores = shares if shares.ndim == 1 else shares.argmax(axis=1).astype(np.float64)
    known = labels >= 0
    scores, truth = scores[known], labels[known] == 1
    area = auc(scores, truth)
    return (0.5, 0.5) if area is None else (area, float(np.where(truth, scores, 1 - scores).mean()))


def sureness(shares: Floats) -> float:
    """Return the confidence, 0..1: 1 − the entropy of the probabilities as a share of the largest possible entropy."""
    shares = np.array([1 - shares[0], shares[0]]) if shares.size == 1 else shares
    total = float(shares.sum())
    if total <= 0:
        return 0.0
    parts = np.clip(shares / total, 1e-12, 1.0)
    return float(1 + (parts * np.log(parts)).sum() / np.log(parts.size))


def information(shares: Floats) -> float:
    """Return the mutual information of time step and prediction, 0..1.

    It measures how much more the time steps of a sequence show than their mean.
    """
    rows = np.stack([1 - shares, shares], axis=1) if shares.ndim == 1 else shares
    return float(np.mean([sureness(row) for row in rows]) - sureness(rows.mean(axis=0)))


def shuffled(pipeline: Pipeline, feeds: Mapping[str, NDArray[Any]], seed: int) -> Arrays:
    """Return the same values in random order: pixels for pictures, single values for other inputs."""
    rng, name = np.random.default_rng(seed), pipeline.main_input.name
    values, steps = np.asarray(feeds[name]), pipeline.spec.preprocess
    if isinstance(steps, ImageSteps) and values.ndim == 4:
        down = 2 if steps.layout == "nchw" else 1  # the axis of rows, before that of columns
        flat = values.reshape(*values.shape[:down], -1, *values.shape[down + 2 :])
        mixed = flat.take(rng.permutation(flat.shape[down]), axis=down)
    else:
        mixed = rng.permutation(values.reshape(-1))
    return {**feeds, name: np.ascontiguousarray(mixed.reshape(values.shape))}
