"""Run one version of the model under stress, one input at a time, as the judgement does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused, JobCancelled, WorkerError
from workers.evaluate.look.one_input import answer_of
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.pipeline.pipeline import Arrays, Pipeline, load_pipeline

Values = NDArray[np.float32]


@dataclass
class Version:
    """A pipeline with its loaded model. The job opens and closes it."""

    pipeline: Pipeline
    session: Session

    def answer(self, feeds: Arrays) -> Values:
        """Return the prediction for one input, without its batch axis.

        Raises:
            InputRefused: If the model fails.
        """
        try:
            return answer_of(self.pipeline, self.pipeline.run(self.session, feeds), feeds)
        except (WorkerError, JobCancelled, MemoryError):
            raise
        except Exception as error:  # Every runtime raises its own errors.
            reason = " ".join(str(error).split())[-300:] or type(error).__name__
            raise InputRefused(
                "run_failed",
                "The model failed at a changed input",
                f"It stopped with: {reason}.",
                "Try another runtime, or a smaller test.",
            ) from error

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
        """Close the session."""
        self.session.close()


def open_version(folder: str, runtime: str, settings: dict[str, Any], threads: int) -> Version:
    """Open a version.

    Raises:
        InputRefused: If the model cannot be opened.
        BackendMissing: If its runtime is not installed.
    """
    return Version(load_pipeline(Path(folder)), open_session(Path(folder), runtime, settings, threads))
