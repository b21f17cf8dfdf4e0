"""Test that finished parts of a long job outlive it and are used by the same job."""

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
def test_job_begun_again_finds_its_finished_parts(space: Workspace, cancel: bool) -> None:
    """Given a job that ended in the middle, When the same job begins again, Then it finds its finished parts, and
    nothing is kept once it has succeeded."""
    ended_in_the_middle(space, "a", cancel)
    assert len(list(kept(space))) == 1
    assert go(space, keeping()).result.values == {"found": "x"}
    assert list(kept(space)) == []


def test_other_jobs_have_their_own_parts_and_old_ones_are_removed(space: Workspace) -> None:
    """Given finished parts of a job, When another one begins, Then it has its own folder, and parts that were unused
    for long are removed."""
    ended_in_the_middle(space, "a", cancel=False)
    [old] = kept(space)
    ended_in_the_middle(space, "b", cancel=False)
    assert len(list(kept(space))) == 2
    os.utime(old, times=(0, time.time() - KEPT_S - 60))
    ended_in_the_middle(space, "c", cancel=False)
    assert len(list(kept(space))) == 2 and not old.exists()


def test_folder_that_vanishes_meanwhile_does_not_stop_a_job(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another job's folder that is removed just while it is read, Then the job begins all the same."""
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
