"""A model that ends the job that opens it is refused, in the words of whoever opened it."""

from pathlib import Path

import pytest

from app.jobs.outcome import CrashCause, Crashed, explain
from app.services.flow.steps import JobError
from app.services.opening.refusing import TRIED, as_refusal
from workers.contracts.process.messages import StageLimit

MODEL = Path("/tmp/my model.onnx")


def refused(reason: CrashCause) -> JobError:
    """What comes of a worker that ended for `reason` while it opened the model."""
    stage = StageLimit(what="trying the model out", seconds=6)
    return as_refusal(JobError(*explain(Crashed(1, None, "its log", reason, stage))), MODEL)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("stage_time", "took_too_long"),
        ("wall_time", "took_too_long"),
        ("cpu_time", "took_too_long"),
        ("memory", "out_of_memory"),
        ("crash", "library_crashed"),
        ("abort", "library_crashed"),
        ("exit", "library_crashed"),
        ("protocol", "library_crashed"),
    ],
)
def test_what_the_file_brings_about_is_a_refusal(reason: CrashCause, code: str) -> None:
    """Given a worker that ended through the file, Then exit code 3, the file's name, and what to ask the author for."""
    error = refused(reason)

    assert (error.error.code, error.exit_code) == (code, 3)
    assert "my model.onnx" in error.error.detail
    assert "The job" not in error.error.detail
    assert "author" in error.error.hint
    assert error.error.traceback == "its log"
    assert code in TRIED


def test_the_time_is_told() -> None:
    """Given a first run without end, Then what was done for how long stands in it."""
    assert refused("stage_time").error.detail.startswith("Fettle was still trying the model out after 6 s, so that was")


@pytest.mark.parametrize("reason", ["killed", "start"])
def test_what_the_computer_brings_about_stays_what_it_is(reason: CrashCause) -> None:
    """Given a worker that was killed from outside or never started, Then nothing is said against the file."""
    assert refused(reason).exit_code == 1


def test_a_name_that_would_turn_the_text_is_made_harmless() -> None:
    """Given letters that change the direction or break the line, Then they are replaced."""
    error = JobError(*explain(Crashed(-11, "SIGSEGV", "", "crash")))
    assert as_refusal(error, Path("a\u202e\nb\udcff.onnx")).error.detail.isprintable()
