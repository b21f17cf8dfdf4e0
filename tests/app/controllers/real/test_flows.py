"""One timer drives all flows; optimizations wait for each other."""

from collections.abc import Callable
from typing import Any

from app.controllers.flows import FlowRunner
from app.services.describing import describe
from app.services.steps import Flow
from workers.contracts.errors import ErrorInfo

Drive = Callable[..., None]


def endless(steps: list[str]) -> Flow[str]:
    """Asks the machine again and again until it is stopped."""
    try:
        while True:
            yield from describe()
            steps.append("step")
    finally:
        steps.append("closed")


def start(flows: FlowRunner, flow: Flow[Any], told: list[Any], **more: Any) -> Any:
    return flows.start(
        flow,
        title="A flow",
        on_done=lambda result: told.append(("done", result)),
        on_failed=lambda error: told.append(("failed", error)),
        on_cancelled=lambda: told.append(("cancelled", None)),
        **more,
    )


def test_a_flow_is_driven_to_its_end(flows: FlowRunner, drive: Drive) -> None:
    """Given a real job in a process, Then its result comes once, and nothing goes on."""
    told: list[Any] = []
    start(flows, describe(), told)
    assert len(flows.active) == 1
    drive(lambda: told)
    assert told[0][0] == "done" and told[0][1].device.cores >= 1
    assert flows.active == () and flows.pids == []


def test_optimizations_wait_for_each_other(flows: FlowRunner, drive: Drive) -> None:
    """Given two runs and another flow, Then the second run waits, the other flow goes beside; cancelling hands on."""
    told: list[Any] = []
    first_steps: list[str] = []
    second_steps: list[str] = []
    first = start(flows, endless(first_steps), told, is_run=True)
    second = start(flows, endless(second_steps), told, is_run=True)
    start(flows, describe(), told)
    assert flows.runs == (first, second) and second.driver is None
    drive(lambda: told)
    assert told[0][0] == "done" and second.driver is None
    flows.cancel(first)
    drive(lambda: second.driver is not None)
    assert ("cancelled", None) in told and first_steps[-1] == "closed"


def test_one_that_waits_is_forgotten(flows: FlowRunner) -> None:
    """Given a run that waits, When it is cancelled, Then it never begins and says so once."""
    told: list[Any] = []
    start(flows, endless([]), [], is_run=True)
    waiting = start(flows, endless([]), told, is_run=True)
    flows.cancel(waiting)
    assert told == [("cancelled", None)] and waiting not in flows.everything


def test_mistakes_are_told_in_words(flows: FlowRunner, drive: Drive) -> None:
    """Given a flow that fails by a mistake of the program, Then words come, and the next flow runs."""

    def broken() -> Flow[None]:
        yield from describe()
        raise KeyError("nothing there")

    told: list[Any] = []
    start(flows, broken(), told)
    drive(lambda: told)
    kind, error = told[0]
    assert kind == "failed" and isinstance(error, ErrorInfo) and error.code == "internal"


def test_all_processes_end_at_once(flows: FlowRunner, drive: Drive) -> None:
    """Given flows at work, When the window closes, Then their processes are gone and each flow was closed."""
    steps: list[str] = []
    start(flows, endless(steps), [])
    drive(lambda: flows.pids)
    flows.interrupt_all()
    assert flows.everything == () and steps[-1] == "closed"
