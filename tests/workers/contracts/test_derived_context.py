"""Derive a job's context with other folders, parts or inputs."""

from pathlib import Path

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.errors import JobCancelled
from workers.contracts.process.context import derived


def test_derived_context_passes_everything_else_to_the_job(tmp_path: Path) -> None:
    """Given a context derived from a derived one, Then each layer's values hold, the innermost first, and seed,
    messages and cancellation are the job's."""
    job = RecordingContext(tmp_path, seed=7, cancel_after=1)
    step = derived(job, work_dir=tmp_path / "step", original=tmp_path / "whole")
    feeds = [{"x": np.zeros(1, np.float32)}]
    part = derived(step, work_dir=tmp_path / "part", part="decoder", calibration=lambda limit=None: iter(feeds[:limit]))
    assert (part.work_dir, part.original, part.part, part.seed) == (tmp_path / "part", tmp_path / "whole", "decoder", 7)
    assert (step.work_dir, step.part, list(step.calibration())) == (tmp_path / "step", "", [])
    assert list(part.calibration(1)) == list(part.calibration()) == feeds
    part.progress("Working", 1, 2)
    assert job.progress_sent[0].stage == "Working"
    step.check_cancelled()
    with pytest.raises(JobCancelled):
        part.check_cancelled()
    assert job.checks == 2
