"""The page Jobs: what runs, what waits, what there was."""

import time
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from app.controllers.flows import FlowRunner, Running
from app.controllers.session import Session
from app.controllers.words import device_words
from app.domain.run import Run, RunState
from widgets.main_window import MainWindow
from widgets.pages.jobs import JobsPage
from widgets.pages.results import JobState, JobValue

STATES: dict[RunState, JobState] = {
    RunState.QUEUED: "queued",
    RunState.RUNNING: "running",
    RunState.FINISHED: "finished",
    RunState.KEPT_ORIGINAL: "finished",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
    RunState.INTERRUPTED: "interrupted",
}
CAN_GO_ON = (RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED)
REFRESH_MS = 1000
MAX_LOG_BYTES = 200_000


class JobsController(QObject):
    """`open_requested(project id)` and `resume_requested(project id)` lead to the project of a run."""

    open_requested = Signal(str)
    resume_requested = Signal(str)
    cancel_requested = Signal()

    def __init__(self, window: MainWindow, page: JobsPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._runs: dict[str, Run] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._on_timer)
        page.job_cancel_requested.connect(lambda _id: self.cancel_requested.emit())
        page.resume_requested.connect(lambda run_id: self._lead(run_id, self.resume_requested))
        page.open_requested.connect(lambda run_id: self._lead(run_id, self.open_requested))
        page.log_requested.connect(self._on_log)
        page.start_requested.connect(lambda: window.show_page("model"))
        flows.changed.connect(self.show)
        session.run_changed.connect(self.show)
        self._timer.start()
        self.show()

    def show(self) -> None:
        """Newest first; other flows that run stand above."""
        repositories = self._session.workspace.repositories
        names = {project.id: project.name for project in repositories.projects.list()}
        runs = repositories.runs.list()
        self._runs = {run.id: run for run in runs}
        rows = [_flow_value(running) for running in self._flows.active if running.title and not running.is_run]
        rows += [self._run_value(run, names.get(run.project_id, "")) for run in runs]
        if rows:
            self._page.show_value(tuple(rows))
        else:
            self._page.show_empty()

    def _on_timer(self) -> None:
        if self._page.isVisible() and self._flows.active:
            self.show()

    def _run_value(self, run: Run, name: str) -> JobValue:
        busy = run.state in (RunState.QUEUED, RunState.RUNNING)
        found = self._session.described
        return JobValue(
            id=run.id,
            title=name,
            state=STATES[run.state],
            device=device_words(found.device if found else None),
            created_at=run.created_at,
            seconds=run.seconds,
            detail=run.headline,
            can_cancel=busy,
            can_resume=run.state in CAN_GO_ON,
            can_open=not busy,
        )

    def _lead(self, run_id: str, signal: SignalInstance) -> None:
        run = self._runs.get(run_id)
        if run is not None:
            signal.emit(run.project_id)

    def _on_log(self, run_id: str) -> None:
        run = self._runs.get(run_id)
        if run is None:
            return
        steps = self._session.workspace.repositories.runs.steps(run_id)
        lines = [f"{step.title}: {step.state}  {step.figure}  {step.detail}".rstrip() for step in steps]
        lines += [run.headline] if run.headline else []
        lines += ["", *_worker_log(self._session.workspace.paths.logs)]
        self._page.show_log(run_id, "\n".join(lines))


def _worker_log(folder: Path) -> list[str]:
    """The end of the newest worker's log that says anything."""
    try:
        logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in logs[:50]:
            text = path.read_bytes()[-MAX_LOG_BYTES:].decode("utf-8", "replace").strip()
            if text:
                return [f"— {path.name} —", *text.splitlines()[-200:]]
    except OSError:
        return []
    return []


def _flow_value(running: Running) -> JobValue:
    seconds = time.monotonic() - running.started_s
    return JobValue(id=f"flow-{id(running)}", title=running.title, state="running", seconds=seconds)
