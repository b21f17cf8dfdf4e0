"""One timer drives all flows; optimizations wait for each other."""

from pathlib import Path
from typing import Any

import pytest
from desk import Drive

from app.controllers.flows import POLL_MS, TIMING_POLL_MS, FlowRunner
from app.controllers.running import JobSlot
from app.controllers.wakes import IS_OFFERED
from app.services.flow.events import Event, LatenciesMeasured
from app.services.flow.steps import Flow, Measured
from app.services.machine.devices import describe
from app.services.opening.opening import open_model, read_data
from app.services.run import version_steps
from presets.sample import sample_paths
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe


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
    report: list[Any] = []
    start(flows, describe(), report)
    assert len(flows.active) == 1
    drive(lambda: report)
    assert report[0][0] == "done" and report[0][1].device.cores >= 1
    assert flows.active == () and flows.pids == []


def test_optimizations_wait_for_each_other(flows: FlowRunner, drive: Drive) -> None:
    """Given two runs and another flow, Then the second run waits, the other flow goes beside; cancelling hands on."""
    report: list[Any] = []
    first_steps: list[str] = []
    second_steps: list[str] = []
    first = start(flows, endless(first_steps), report, is_run=True)
    second = start(flows, endless(second_steps), report, is_run=True)
    start(flows, describe(), report)
    assert flows.runs == (first, second) and second.driver is None
    drive(lambda: report)
    assert report[0][0] == "done" and second.driver is None
    flows.cancel(first)
    drive(lambda: second.driver is not None)
    assert ("cancelled", None) in report and first_steps[-1] == "closed"


def measuring(blocks: int) -> Flow[Measured]:
    """The sample, measured alone."""
    sample = sample_paths()
    model = yield from open_model(OpenParams(path=str(sample.model)))
    data = yield from read_data(DataParams(model_dir=str(model.folder), path=str(sample.data)))
    candidate = version_steps.Version(
        version_steps.new_variant("r", 0, Recipe(title="Original"), is_baseline=True), model.folder
    )
    how = {"sets": 1, "blocks": blocks, "threads": 1, "step_index": 0}
    measured = yield from version_steps.measure(
        version_steps.measure_step([candidate], data.folder, title="Measure", **how)
    )
    return measured


@pytest.mark.whole
def test_while_requests_are_timed_the_window_is_still(flows: FlowRunner, drive: Drive) -> None:
    """Given a measurement, Then each block is told to begin and to end, what came of it is told only between blocks, and
    meanwhile the timer looks seldom."""
    report: list[Any] = []
    states: list[bool] = []
    heard_while_timing: list[bool] = []
    polls: list[int] = []

    def on_timing(timing: bool) -> None:
        states.append(timing)
        polls.append(flows._timer.interval())

    def observe(event: Event) -> None:
        if isinstance(event, LatenciesMeasured):
            heard_while_timing.append(flows.active[0].driver.is_timing)

    flows.timing_changed.connect(on_timing)
    start(flows, measuring(3), report, observe=observe)
    drive(lambda: report, 90)
    assert report[0][0] == "done", report
    assert states == [True, False] * 3
    assert polls == [TIMING_POLL_MS, POLL_MS] * 3
    assert heard_while_timing[:2] == [False, False]  # the last block keeps its turn until the process has ended
    assert not flows.is_timing


@pytest.mark.whole
@pytest.mark.parametrize(
    ("name", "value"), [("flows.TIMING_POLL_MS", 3_600_000), ("wakes.IS_OFFERED", False)], ids=["heard", "looked for"]
)
def test_the_end_of_a_block_is_heard_without_looking_or_looked_for(
    flows: FlowRunner, drive: Drive, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """Given a window that would look for the end of a block in an hour, Then it hears it; on Windows it is looked for."""
    if name.startswith("flows") and not IS_OFFERED:
        pytest.skip("on Windows a pipe is no socket")
    monkeypatch.setattr(f"app.controllers.{name}", value)
    report: list[Any] = []
    start(flows, measuring(3), report)
    drive(lambda: report, 90)
    assert report[0][0] == "done", report


def test_one_that_waits_is_forgotten(flows: FlowRunner) -> None:
    """Given a run that waits, When it is cancelled, Then it never begins and says so once."""
    report: list[Any] = []
    start(flows, endless([]), [], is_run=True)
    waiting = start(flows, endless([]), report, is_run=True)
    flows.cancel(waiting)
    assert report == [("cancelled", None)] and waiting not in flows.everything


@pytest.mark.parametrize("how", ["replaced", "dropped", "cancelled"])
def test_slot_flow_that_is_replaced_or_dropped_reports_nothing(flows: FlowRunner, drive: Drive, how: str) -> None:
    """Given a page's flow at work, When another takes its place or it is dropped, Then it ends and calls nothing; where it
    is cancelled, it says so, and its callbacks find the slot empty."""
    slot, report, states, steps = JobSlot(flows), [], [], []
    flow = endless(steps)
    flows.start(flow, title="A flow", on_done=report.append, on_failed=report.append, slot=slot,
                on_cancelled=lambda: states.append(slot.is_busy), observe=report.append)  # fmt: skip
    drive(lambda: steps)
    report.clear()
    if how == "replaced":
        start(flows, describe(), [], slot=slot)
    else:
        slot.drop() if how == "dropped" else slot.cancel()
    drive(lambda: not flows.active)
    assert steps[-1] == "closed" and not slot.is_busy
    assert states == ([False] if how == "cancelled" else [])
    assert how == "cancelled" or not report


def test_mistakes_are_told_in_words(flows: FlowRunner, drive: Drive, caplog: pytest.LogCaptureFixture) -> None:
    """Given a flow that fails by a mistake of the program, Then words come, and the log has the place of the mistake."""

    def broken() -> Flow[None]:
        yield from describe()
        raise KeyError("nothing there")

    report: list[Any] = []
    start(flows, broken(), report)
    drive(lambda: report)
    kind, error = report[0]
    assert kind == "failed" and isinstance(error, ErrorInfo) and error.code == "internal"
    (record,) = caplog.records
    assert "raise KeyError" in caplog.text and record.levelname == "ERROR"


def test_what_a_person_can_mend_is_not_logged(
    flows: FlowRunner, drive: Drive, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Given a file that is no model, Then words come, and the log tells of no mistake."""
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    report: list[Any] = []
    start(flows, open_model(OpenParams(path=str(path))), report)
    drive(lambda: report)
    assert report[0][0] == "failed" and not caplog.records


def test_all_processes_end_at_once(flows: FlowRunner, drive: Drive) -> None:
    """Given flows at work, When the window closes, Then their processes are gone and each flow was closed."""
    steps: list[str] = []
    start(flows, endless(steps), [])
    drive(lambda: flows.pids)
    flows.interrupt_all()
    assert flows.everything == () and steps[-1] == "closed"
