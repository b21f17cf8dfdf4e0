"""Test the slot of each GPU: other work waits until the step on it ends, and can be cancelled meanwhile."""

from pathlib import Path
from typing import Any

import pytest
import small_jobs
from flows import go
from small_jobs import Values, one, until

from app.services.flow import card_slot
from app.services.flow.card_slot import WAITING, CardSlot
from app.services.flow.driver import Driver
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import FlowCancelled, JobStep
from app.services.flow.workspace import Workspace
from workers.contracts.process.messages import Card, Limits

A, B = Card(uuid="GPU-a"), Card(uuid="GPU-b", index=1)


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the locks into this test's folder, which other tests do not use."""
    monkeypatch.setattr(card_slot.tempfile, "gettempdir", lambda: str(tmp_path))


def step(card: Card | None, **more: Any) -> JobStep[Values]:
    return small_jobs.step("echo", limits=Limits(gpu=card is not None, card=card), **more)


def test_step_on_a_busy_gpu_waits(space: Workspace) -> None:
    """Given a GPU in use by other work, Then a step on it reports that it waits; once the GPU is free it runs to its
    end."""
    other, events = CardSlot(), list[Event]()
    assert other.take(step(A), None)
    driver = Driver(space, one(step(A)), events.append)
    for _ in range(20):
        assert driver.tick() and driver.pids == []
    assert [event.stage for event in events if isinstance(event, StepProgress)] == [WAITING]
    other.leave()
    until(driver, lambda: driver.finished)
    assert driver.error is None and driver.result is not None
    assert other.take(step(A), None), "it was given back"


def test_steps_on_other_devices_do_not_wait(space: Workspace) -> None:
    """Given a GPU in use, Then steps on another GPU, on the processor, and those that only list GPUs begin at once."""
    other = CardSlot()
    assert other.take(step(A), None)
    for job in (step(B), step(None), step(A, shares_card=True)):
        driver = Driver(space, one(job), lambda _event: None)
        assert driver.pids, job
        until(driver, lambda driver=driver: driver.finished)
        assert driver.error is None
    other.leave()


def test_waiting_step_can_be_cancelled(space: Workspace) -> None:
    """Given a step that waits for a GPU, When it is cancelled, Then its flow ends and holds nothing."""
    other = CardSlot()
    assert other.take(step(A), None)
    driver = Driver(space, one(step(A)), lambda _event: None)
    driver.cancel()
    until(driver, lambda: driver.finished)
    assert isinstance(driver.error, FlowCancelled)
    other.leave()


def test_slot_without_a_lock_file_is_free(tmp_path: Path) -> None:
    """Given no place for the lock file, Then work continues as if the GPU were free."""
    assert CardSlot(tmp_path / "nothing").take(step(A), None)


@pytest.mark.parametrize(
    ("card", "more", "device"),
    [(None, {}, "cpu"), (A, {}, "cuda:0"), (B, {}, "cuda:1"), (B, {"shares_card": True}, "cpu")],
)
def test_history_records_the_device_of_a_job(
    space: Workspace, card: Card | None, more: dict[str, Any], device: str
) -> None:
    """Given jobs on the processor and on cards, Then the history names the device that each worked on."""
    go(space, one(step(card, **more)))

    assert [job.device for job in space.repositories.jobs.list()] == [device]
