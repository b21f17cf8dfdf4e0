"""What a long job had finished outlives it, and the same job goes on with that."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fettle_service_handlers._shared import Params, Result
from flows import go

from app.services.flow import workspace as workspace_module
from app.services.flow.driver import Driver
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import Flow, JobStep, StepResult
from app.services.flow.workspace import KEPT_S, Workspace


def keeping(name: str = "a") -> Flow[StepResult[Result]]:
    params = Params(values={"name": name})
    done: StepResult[Result] = yield JobStep(
        kind="keeps", params=params, result=Result, title="keeps", cache=True, goes_on=True
    )
    return done


def ended_in_the_middle(space: Workspace, name: str, cancel: bool) -> None:
    seen: list[Event] = []
    driver = Driver(space, keeping(name), seen.append)
    end = time.monotonic() + 60
    while not any(isinstance(event, StepProgress) for event in seen):
        assert driver.tick() and time.monotonic() < end
        time.sleep(0.005)
    if cancel:
        driver.cancel()
        while driver.tick():
            assert time.monotonic() < end
            time.sleep(0.005)
    else:
        driver.interrupt()


def kept(space: Workspace) -> Iterator[Path]:
    return space.paths.unfinished.iterdir()


@pytest.mark.parametrize("cancel", [True, False], ids=["cancelled", "killed"])
def test_it_goes_on(space: Workspace, cancel: bool) -> None:
    """Given a job that was ended in the middle, When the same is begun again, Then it finds what it had finished, And
    when it has ended well, nothing is kept."""
    ended_in_the_middle(space, "a", cancel)
    assert len(list(kept(space))) == 1
    done = go(space, keeping())
    assert done.result.values == {"found": "x"}
    assert list(kept(space)) == []


def test_others_begin_anew_and_old_ones_go(space: Workspace) -> None:
    """Given what a job had finished, When another one is begun, Then it has a folder of its own, And one that nobody
    went on with for long is removed."""
    ended_in_the_middle(space, "a", cancel=False)
    [old] = kept(space)
    ended_in_the_middle(space, "b", cancel=False)
    assert len(list(kept(space))) == 2
    os.utime(old, times=(0, time.time() - KEPT_S - 60))
    ended_in_the_middle(space, "c", cancel=False)
    assert len(list(kept(space))) == 2 and not old.exists()


def test_folder_that_vanishes_meanwhile_does_not_stop_a_job(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another job's folder that its program removes just while it is looked at, Then the job goes on."""
    ended_in_the_middle(space, "a", cancel=False)
    ended_in_the_middle(space, "b", cancel=False)
    requested: list[float] = []

    def now() -> float:
        for folder in kept(space):
            shutil.rmtree(folder)
        requested.append(0.0)
        return 0.0

    monkeypatch.setattr(workspace_module.time, "time", now)
    job = space.new_job(next(keeping("c")), {})

    assert requested and job.kept_dir
