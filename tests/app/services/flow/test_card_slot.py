"""One slot for each GPU: what else wants the card waits until the step on it is over, and can be cancelled meanwhile."""

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
    """A folder of this test's own, which other tests beside it do not use."""
    monkeypatch.setattr(card_slot.tempfile, "gettempdir", lambda: str(tmp_path))


def step(card: Card | None, **more: Any) -> JobStep[Values]:
    return small_jobs.step("echo", limits=Limits(gpu=card is not None, card=card), **more)


def test_work_on_a_card_waits_for_other_work_on_it(space: Workspace) -> None:
    """Given a card that other work has, Then a step on it waits and says so; once it is free the step runs to its end."""
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


def test_other_cards_the_processor_and_lookers_do_not_wait(space: Workspace) -> None:
    """Given a card that other work has, Then another card, the processor, and what only looks begin at once."""
    other = CardSlot()
    assert other.take(step(A), None)
    for job in (step(B), step(None), step(A, shares_card=True)):
        driver = Driver(space, one(job), lambda _event: None)
        assert driver.pids, job
        until(driver, lambda driver=driver: driver.finished)
        assert driver.error is None
    other.leave()


def test_what_waits_can_be_cancelled(space: Workspace) -> None:
    """Given a step that waits for a card, When it is cancelled, Then its flow ends with that and holds nothing."""
    other = CardSlot()
    assert other.take(step(A), None)
    driver = Driver(space, one(step(A)), lambda _event: None)
    driver.cancel()
    until(driver, lambda: driver.finished)
    assert isinstance(driver.error, FlowCancelled)
    other.leave()


def test_a_folder_without_room_holds_nobody_up(tmp_path: Path) -> None:
    """Given no place for the lock's file, Then work goes on as if the card were free."""
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
