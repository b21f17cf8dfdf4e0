"""Tests of the runner of flows: one timer drives all flows, and measurements wait for each other."""

from pathlib import Path
from typing import Any

import pytest
from records import Drive, measuring

from app.controllers.flows import POLL_MS, TIMING_POLL_MS, FlowRunner
from app.controllers.pipe_notifier import IS_SUPPORTED
from app.controllers.running import JobSlot
from app.services.flow.events import Event, LatenciesMeasured
from app.services.flow.steps import Flow
from app.services.machine.devices import describe
from app.services.opening.opening import open_model
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import OpenParams


def endless(steps: list[str]) -> Flow[str]:
    """Describe the machine repeatedly until the flow is stopped."""
    try:
        while True:
            yield from describe()
            steps.append("step")
    finally:
        steps.append("closed")


def start(flows: FlowRunner, flow: Flow[Any], ends: list[Any], **more: Any) -> Any:
    return flows.start(
        flow,
        title="A flow",
        on_done=lambda result: ends.append(("done", result)),
        on_failed=lambda error: ends.append(("failed", error)),
        on_cancelled=lambda: ends.append(("cancelled", None)),
        **more,
    )


def test_flow_is_driven_to_its_end(flows: FlowRunner, drive: Drive) -> None:
    """Given a real job in a process, then its result is reported once, and nothing remains active."""
    ends: list[Any] = []
    start(flows, describe(), ends)
    assert len(flows.active) == 1
    drive(lambda: ends)
    assert ends[0][0] == "done" and ends[0][1].device.cores >= 1
    assert flows.active == () and flows.pids == []


def test_optimizations_wait_for_each_other(flows: FlowRunner, drive: Drive) -> None:
    """Given two runs and another flow, then the second run waits while the other flow runs; after a cancellation it
    starts."""
    ends: list[Any] = []
    first_steps: list[str] = []
    second_steps: list[str] = []
    first = start(flows, endless(first_steps), ends, is_run=True)
    second = start(flows, endless(second_steps), ends, is_run=True)
    start(flows, describe(), ends)
    assert flows.runs == (first, second) and second.driver is None
    drive(lambda: ends)
    assert ends[0][0] == "done" and second.driver is None
    flows.cancel(first)
    drive(lambda: second.driver is not None)
    assert ("cancelled", None) in ends and first_steps[-1] == "closed"


@pytest.mark.whole
def test_timing_is_announced_and_slows_the_poll(flows: FlowRunner, drive: Drive) -> None:
    """Given a measurement, then the start and end of each block are announced, results arrive between blocks, and the
    timer polls rarely during a block."""
    ends: list[Any] = []
    states: list[bool] = []
    arrived_while_timing: list[bool] = []
    polls: list[int] = []

    def on_timing(timing: bool) -> None:
        states.append(timing)
        polls.append(flows._timer.interval())

    def observe(event: Event) -> None:
        if isinstance(event, LatenciesMeasured):
            arrived_while_timing.append(flows.active[0].driver.is_timing)

    flows.timing_changed.connect(on_timing)
    start(flows, measuring(blocks=3), ends, observe=observe)
    drive(lambda: ends, 90)
    assert ends[0][0] == "done", ends
    assert states == [True, False] * 3
    assert polls == [TIMING_POLL_MS, POLL_MS] * 3
    assert arrived_while_timing[:2] == [False, False]  # the last block keeps its turn until the process has ended
    assert not flows.is_timing


@pytest.mark.whole
@pytest.mark.parametrize(
    ("name", "value"),
    [("flows.TIMING_POLL_MS", 3_600_000), ("pipe_notifier.IS_SUPPORTED", False)],
    ids=["notified", "polled"],
)
def test_end_of_a_block_is_notified_or_polled(
    flows: FlowRunner, drive: Drive, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """Given a poll interval of an hour, then a notifier reports the end of a block; on Windows the timer polls for it."""
    if name.startswith("flows") and not IS_SUPPORTED:
        pytest.skip("on Windows a pipe is no socket")
    monkeypatch.setattr(f"app.controllers.{name}", value)
    ends: list[Any] = []
    start(flows, measuring(blocks=3), ends)
    drive(lambda: ends, 90)
    assert ends[0][0] == "done", ends


def test_cancelled_waiting_run_never_starts(flows: FlowRunner) -> None:
    """Given a waiting run, when it is cancelled, then it never starts and reports that once."""
    ends: list[Any] = []
    start(flows, endless([]), [], is_run=True)
    waiting = start(flows, endless([]), ends, is_run=True)
    flows.cancel(waiting)
    assert ends == [("cancelled", None)] and waiting not in flows.everything


@pytest.mark.parametrize("how", ["replaced", "dropped", "cancelled"])
def test_slot_flow_that_is_replaced_or_dropped_reports_nothing(flows: FlowRunner, drive: Drive, how: str) -> None:
    """Given a running flow of a page, when it is replaced or dropped, then it ends without a callback. A cancelled one
    reports that, and its callback finds the slot empty."""
    slot, reports, states, steps = JobSlot(flows), [], [], []
    flow = endless(steps)
    flows.start(flow, title="A flow", on_done=reports.append, on_failed=reports.append, slot=slot,
                on_cancelled=lambda: states.append(slot.is_busy), observe=reports.append)  # fmt: skip
    drive(lambda: steps)
    reports.clear()
    if how == "replaced":
        start(flows, describe(), [], slot=slot)
    else:
        slot.drop() if how == "dropped" else slot.cancel()
    drive(lambda: not flows.active)
    assert steps[-1] == "closed" and not slot.is_busy
    assert states == ([False] if how == "cancelled" else [])
    assert how == "cancelled" or not reports


def test_program_error_is_reported_and_logged(
    flows: FlowRunner, drive: Drive, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a flow that fails by a mistake of the program, then an error is reported, and the log has the traceback."""

    def broken() -> Flow[None]:
        yield from describe()
        raise KeyError("nothing there")

    ends: list[Any] = []
    start(flows, broken(), ends)
    drive(lambda: ends)
    kind, error = ends[0]
    assert kind == "failed" and isinstance(error, ErrorInfo) and error.code == "internal"
    (record,) = caplog.records
    assert "raise KeyError" in caplog.text and record.levelname == "ERROR"


def test_user_error_is_not_logged(
    flows: FlowRunner, drive: Drive, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Given a file that is no model, then an error is reported and nothing is logged."""
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    ends: list[Any] = []
    start(flows, open_model(OpenParams(path=str(path))), ends)
    drive(lambda: ends)
    assert ends[0][0] == "failed" and not caplog.records


def test_all_processes_end_at_once(flows: FlowRunner, drive: Drive) -> None:
    """Given running flows, when the window closes, then their processes end and each flow is closed."""
    steps: list[str] = []
    start(flows, endless(steps), [])
    drive(lambda: flows.pids)
    flows.interrupt_all()
    assert flows.everything == () and steps[-1] == "closed"
