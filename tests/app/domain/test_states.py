"""What may become of a run, and what is known of a model before it is downloaded."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.hub import Wish, format_kind
from app.domain.run import ALLOWED, Goal, IllegalTransition, Interruption, Run, RunState, check_transition
from workers.contracts.hub import HubModel
from workers.contracts.licenses import LicenseVerdict

OK = LicenseVerdict(word="ok", title="MIT", meaning="m")
CONDITIONS = LicenseVerdict(word="conditions", title="GPL", meaning="m")
NO = LicenseVerdict(word="noncommercial", title="NC", meaning="m")
UNKNOWN = LicenseVerdict(word="unknown", title="", meaning="m")


def model(**facts: Any) -> HubModel:
    return HubModel(repo="a/b", **facts)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, "unknown"),
        ({"formats": ("onnx", "pickle")}, "safe"),
        ({"formats": ("onnx",), "library": "anything"}, "safe"),
        ({"formats": ("safetensors",), "library": "timm"}, "safe"),
        ({"formats": ("safetensors",), "library": None}, "safe"),
        ({"formats": ("safetensors",), "library": "diffusers"}, "not_here"),
        ({"formats": ("pickle",), "library": "transformers"}, "code"),
        ({"formats": ("gguf",)}, "not_here"),
        ({"formats": ("tensorflow", "flax")}, "not_here"),
        ({"formats": ("onnx",), "size_bytes": 9 * 10**9}, "not_here"),
        ({"formats": ("onnx",), "size_bytes": 7 * 10**9}, "safe"),
    ],
)
def test_whether_it_runs_here(facts: dict[str, Any], kind: str) -> None:
    """Given formats, library and size, on a computer of 16 GB, Then the kind follows from these alone."""
    assert format_kind(model(**facts), 16 * 10**9) == kind


@pytest.mark.parametrize(
    ("verdict", "fits"), [(OK, True), (CONDITIONS, True), (NO, False), (UNKNOWN, False), (None, False)]
)
def test_business_use(verdict: LicenseVerdict | None, fits: bool) -> None:
    """Given the wish for business use, then models without a license that allows it are left out."""
    assert Wish(business=True).fits(model(verdict=verdict)) is fits


def test_a_size_that_nobody_tells_is_not_small() -> None:
    """Given a largest size, then a model of unknown size is left out."""
    wish = Wish(max_bytes=100)
    assert [wish.fits(model(size_bytes=size)) for size in (100, 101, None)] == [True, False, False]
    assert not wish.is_empty and Wish(memory_bytes=1).is_empty


AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_finished_run_stays_finished() -> None:
    """Given a finished run, then only its verdict may turn, or it goes on; everything else is refused."""
    for state in set(RunState) - {RunState.KEPT_ORIGINAL, RunState.RUNNING}:
        with pytest.raises(IllegalTransition):
            check_transition(RunState.FINISHED, state)
    for state in set(RunState) - {RunState.FINISHED, RunState.RUNNING}:
        with pytest.raises(IllegalTransition):
            check_transition(RunState.KEPT_ORIGINAL, state)


def test_more_examples_may_turn_the_verdict() -> None:
    """Given a finished run, When more examples change the verdict, Then it may recommend a version, or no longer."""
    assert check_transition(RunState.FINISHED, RunState.KEPT_ORIGINAL) is RunState.KEPT_ORIGINAL
    assert check_transition(RunState.KEPT_ORIGINAL, RunState.FINISHED) is RunState.FINISHED


@pytest.mark.parametrize("state", [RunState.INTERRUPTED, RunState.CANCELLED, RunState.FAILED])
def test_what_stopped_can_go_on(state: RunState) -> None:
    """Given an interrupted, cancelled or failed run, when it is resumed, then it runs."""
    assert check_transition(state, RunState.RUNNING) is RunState.RUNNING


def test_every_state_has_its_rule() -> None:
    """Given all states, Then each lists the states that may follow."""
    assert set(ALLOWED) == set(RunState)


@pytest.mark.parametrize(
    ("state", "started_at", "finished_at", "expected"),
    [
        (RunState.INTERRUPTED, AT, AT, Interruption.CLOSED),
        (RunState.INTERRUPTED, AT, None, Interruption.BROKEN_OFF),
        (RunState.INTERRUPTED, None, None, Interruption.NOT_BEGUN),
        (RunState.CANCELLED, AT, AT, None),
        (RunState.RUNNING, AT, None, None),
    ],
)
def test_interruption_follows_from_the_recorded_times(
    state: RunState, started_at: datetime | None, finished_at: datetime | None, expected: Interruption | None
) -> None:
    """Given the recorded times of a run, Then it is known whether the program closed in order or was killed."""
    run = Run("r1", "p1", Goal("balanced", 1.0), state, AT, started_at, finished_at)
    assert run.interruption is expected
