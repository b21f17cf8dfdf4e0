"""Measures one model once, as a run does: `plain` by a bare loop, `window` with the whole window looking on.

measure_once.py plain|window DATA_FOLDER MODEL → prints a line of JSON: `p50_ms`; for `window` also what its process did
while blocks were timed: `cpu_share` of one core, `wakes_per_s`, and `timed_s`, the seconds in which it was looked at.
"""

import json
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow, Measured
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model, read_data
from app.services.run import version_steps
from tests.benchmarks.bench_space import bench_space
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.process.allowance import usable_cores
from workers.contracts.specs import Recipe

BLOCKS = 12


def flow(model_path: str) -> Flow[Measured]:
    """Opening and reading come from the store after the first time."""
    model = yield from open_model(OpenParams(path=model_path))
    data = yield from read_data(DataParams(model_dir=str(model.folder)))
    measured_version = version_steps.Version(
        version_steps.new_variant("bench", 0, Recipe(title="Original"), is_baseline=True), model.folder
    )
    how = {"sets": 1, "blocks": BLOCKS, "threads": usable_cores(), "step_index": 0}
    measured = yield from version_steps.measure(
        version_steps.measure_step([measured_version], data.folder, title="Measure", **how)
    )
    return measured


def p50_ms(measured: Measured) -> float:
    return median(time for times in measured.latencies_ms[0] for time in times)


@dataclass
class Watched:
    """What this process uses between `begin` and `end`: seconds of the processor, and how often it woke up."""

    cpu_s: float = 0.0
    wakes: int = 0
    timed_s: float = 0.0

    def on(self, timing: bool) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        sign = -1 if timing else 1
        self.cpu_s += sign * (used.ru_utime + used.ru_stime)
        self.wakes += sign * used.ru_nvcsw
        self.timed_s += sign * time.monotonic()


def in_window(space: Workspace, model_path: str) -> dict[str, float]:
    """The page Optimize shows each request while it is timed, the dock reads the machine."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app.bootstrap import build_window
    from app.controllers.app_controller import AppController
    from app.controllers.optimize.controller import OptimizeController
    from app.controllers.optimize.live_run import LiveRun
    from app.controllers.session import Session
    from app.domain.run import Goal, Run, RunState
    from app.services.flow.events import Event, MeasuringChanged
    from app.settings import SavedSettings, Settings

    app = QApplication(sys.argv[:1])
    window, theme = build_window(app, Settings(theme="light"))
    window.show()
    session = Session(space, window)
    app_controller = AppController(window, theme, session, SavedSettings(space.paths.settings, Settings()))
    app_controller.begin(reopen=False)
    window.show_page("optimize")
    run = Run("bench", "bench", Goal("balanced", 1.0), RunState.RUNNING, datetime.now(UTC))
    live = LiveRun(run)
    optimize = app_controller.controller("optimize", OptimizeController)
    found: list[Measured] = []
    watched = Watched()
    app_controller.flows.timing_changed.connect(watched.on)

    def observe(event: Event) -> None:
        if isinstance(event, MeasuringChanged):
            window.set_measuring(event.measuring)
        live.observe(event)

    def begin() -> None:
        optimize._follow(live)
        app_controller.flows.start(
            flow(model_path), title="bench", on_done=end, on_failed=fail, observe=observe, is_run=True
        )

    def end(measured: Measured) -> None:
        found.append(measured)
        app.quit()

    def fail(error: Any) -> None:
        print(error, file=sys.stderr)  # noqa: T201
        app.exit(1)

    QTimer.singleShot(2500, begin)
    app.exec()
    app_controller.stop_watching()
    app_controller.flows.interrupt_all()
    return {
        "p50_ms": p50_ms(found[0]),
        "cpu_share": watched.cpu_s / watched.timed_s,
        "wakes_per_s": watched.wakes / watched.timed_s,
        "timed_s": watched.timed_s,
    }


def main() -> int:
    mode, folder, model_path = sys.argv[1:4]
    with bench_space(Path(folder)) as space:
        if mode == "window":
            value = in_window(space, model_path)
        else:
            value = {"p50_ms": p50_ms(run_to_end(Driver(space, flow(model_path), ignore)))}
    print(json.dumps(value), flush=True)  # noqa: T201 - the answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
