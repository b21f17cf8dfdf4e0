"""Run both versions of the model under stress, one input at a time, as the judgement does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.evaluate.look.one_input import answer_of
from workers.evaluate.proof.predictions import model_failures
from workers.evaluate.stress.samples import SampledExamples, Samples
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.pipeline.pipeline import Arrays, Pipeline, load_pipeline

Values = NDArray[np.float32]

CHANGES_UNTIL, UNFAMILIAR_UNTIL, SQUARE_UNTIL, PGD_UNTIL = 0.55, 0.65, 0.75, 0.82
"""Share of the time by which each part ends; triggers have the rest."""


@dataclass(frozen=True)
class LoadedVersion:
    """A pipeline with its loaded model. The job opens and closes it."""

    pipeline: Pipeline
    session: Session

    def predict(self, feeds: Arrays) -> Values:
        """Return the prediction for one input, without its batch axis.

        Raises:
            InputRefused: If the model fails.
        """
        with model_failures("The model failed at a changed input", "Try another runtime, or a smaller test."):
            return answer_of(self.pipeline, self.pipeline.run(self.session, feeds), feeds)

    def scores(self, samples: list[Arrays]) -> Values:
        """Return the scores (n, classes) of several inputs in one request; a single score becomes two opposite ones."""
        feeds = self.pipeline.batch(samples)
        values = np.asarray(self.pipeline.answer_of(self.pipeline.run(self.session, feeds), feeds), np.float32)
        values = values.reshape(len(samples), -1)
        if values.shape[1] == 1:
            middle = np.float32(0.5 if self.pipeline.spec.scores == "probabilities" else 0.0)
            values = np.hstack([middle - values, values - middle])
        return values

    def close(self) -> None:
        """Close the session of the runtime and release its memory."""
        self.session.close()


def open_version(folder: str, runtime: str, settings: dict[str, Any], threads: int) -> LoadedVersion:
    """Open a version.

    Raises:
        InputRefused: If the model cannot be opened.
        BackendMissing: If its runtime is not installed.
    """
    return LoadedVersion(load_pipeline(Path(folder)), open_session(Path(folder), runtime, settings, threads))


@dataclass(frozen=True)
class Comparison:
    """Both loaded versions, and what every part of a stress test needs. The job owns one instance.

    Attributes:
        old: The original.
        new: The optimized version.
        samples: Opens the examples.
        ctx: Context of the job.
        remaining_s: `remaining_s(share)` returns the seconds until that share of the time is used up.
    """

    old: LoadedVersion
    new: LoadedVersion
    samples: Samples
    ctx: JobContext
    remaining_s: Callable[[float], float]

    @property
    def versions(self) -> tuple[LoadedVersion, LoadedVersion]:
        """Return the original and the optimized version."""
        return self.old, self.new

    def predictions(self, given: SampledExamples, sample: Any) -> tuple[Values, Values]:
        """Return the predictions of both versions for a changed sample, each with its own preprocessing."""
        feeds = own = self.samples.feeds(self.old.pipeline, given, sample)
        if self.new.pipeline.spec != self.old.pipeline.spec:
            own = self.samples.feeds(self.new.pipeline, given, sample)
        return self.old.predict(feeds), self.new.predict(own)
