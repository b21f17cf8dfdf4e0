"""The page Jobs: what runs, what waits, what there was."""

import time
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QTimer, Signal, SignalInstance

from app.controllers.commands import CANCEL_RUN, OPEN_RUN, RESUME_RUN
from app.controllers.flows import FlowRunner, Running
from app.controllers.page_controller import ControllerSpec, Desk, PageController
from app.controllers.session import Session
from app.controllers.words import device_words
from app.domain.run import Run, RunState
from app.services.flow.workspace import Workspace
from app.services.projects.trash import shown_projects
from widgets.main_window import MainWindow
from widgets.pages.jobs.page import JobsPage
from widgets.pages.jobs.value import JobState, JobValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.runtimes import needs_gpu

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
MAX_RUNS = 300
MAX_LOG_BYTES, MAX_LOG_LINES = 64_000, 200


class JobsController(PageController):
    """Each signal carries the `Run`; other work than runs is stopped here."""

    open_requested = Signal(object)
    resume_requested = Signal(object)
    cancel_requested = Signal(str)

    def __init__(self, window: MainWindow, page: JobsPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._runs: dict[str, Run] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._on_timer)
        page.job_cancel_requested.connect(self._on_cancel)
        page.resume_requested.connect(lambda run_id: self._lead(run_id, self.resume_requested))
        page.open_requested.connect(lambda run_id: self._lead(run_id, self.open_requested))
        page.log_requested.connect(self._on_log)
        page.start_requested.connect(lambda: window.show_page("model"))
        flows.changed.connect(self.show)
        session.run_changed.connect(self.show)
        window.page_shown.connect(lambda page_id: self.show() if page_id == "jobs" else None)
        self._timer.start()
        self.show()

    def show(self) -> None:
        """Newest first; other work stands above. Read only while somebody looks."""
        if not self._page.isVisible():
            return
        repositories = self._session.workspace.repositories
        names = {project.id: project.name for project in shown_projects(repositories)}
        runs = [run for run in repositories.runs.list(limit=MAX_RUNS) if run.project_id in names]
        self._runs = {run.id: run for run in runs}
        rows = [_flow_value(running) for running in self._flows.active if running.title and not running.is_run]
        runtimes = repositories.variants.runtimes(self._runs)
        rows += [self._run_value(run, names.get(run.project_id, ""), runtimes.get(run.id, ())) for run in runs]
        if rows:
            self._page.show_value(tuple(rows))
        else:
            self._page.show_empty()

    def _on_timer(self) -> None:
        if self._flows.active and not self._flows.is_timing:
            self.show()

    def _on_cancel(self, job_id: str) -> None:
        if job_id in self._runs:
            self.cancel_requested.emit(job_id)
            return
        for running in self._flows.active:
            if _flow_id(running) == job_id:
                self._flows.cancel(running)

    def _run_value(self, run: Run, name: str, runtimes: Iterable[str]) -> JobValue:
        busy = run.state in (RunState.QUEUED, RunState.RUNNING)
        found = self._session.described
        used_gpu = found is not None and any(map(needs_gpu, runtimes))
        running = next((one for one in self._flows.everything if one.run_id == run.id), None)
        progress = running.progress if running is not None and run.state is RunState.RUNNING else None
        return JobValue(
            id=run.id,
            title=name,
            state=STATES[run.state],
            device=device_words(found.device if found is not None and used_gpu else None),
            created_at=run.created_at,
            seconds=run.seconds,
            progress=progress.share if progress is not None else None,
            detail=progress.stage if progress is not None else run.headline,
            can_cancel=busy,
            can_resume=run.state in CAN_GO_ON,
            can_open=not busy,
        )

    def _lead(self, run_id: str, signal: SignalInstance) -> None:
        run = self._runs.get(run_id)
        if run is not None:
            signal.emit(run)

    def _on_log(self, run_id: str) -> None:
        run = self._runs.get(run_id)
        if run is not None:
            self._page.show_log(run_id, "\n".join(log_lines(self._session.workspace, run)))


def log_lines(workspace: Workspace, run: Run) -> list[str]:
    """The run's steps, what went wrong, and the end of what each of its processes wrote."""
    repositories = workspace.repositories
    lines = [
        "  ".join(part for part in (f"{step.title}: {step.state}", step.figure, step.detail) if part)
        for step in repositories.runs.steps(run.id)
    ]
    lines += [run.headline] if run.headline else []
    for job in reversed(repositories.jobs.list(run_id=run.id)):
        error = ErrorInfo.model_validate_json(job.error_json) if job.error_json else None
        said = _end_of(workspace.paths.root / job.log_path) if job.log_path else []
        if error is not None or said:
            lines += ["", f"— {job.title} ({job.state}) —", *said]
        if error is not None:
            lines += [f"{error.title}: {error.detail}", *error.traceback.splitlines()]
    return lines


def _end_of(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - MAX_LOG_BYTES))
            return file.read().decode("utf-8", "replace").strip().splitlines()[-MAX_LOG_LINES:]
    except OSError:
        return []


def _flow_id(running: Running) -> str:
    return f"flow-{id(running)}"


def _flow_value(running: Running) -> JobValue:
    seconds = time.monotonic() - running.started_s
    progress = running.progress
    return JobValue(
        id=_flow_id(running),
        title=running.title,
        state="running",
        seconds=seconds,
        progress=progress.share if progress is not None else None,
        detail=progress.stage if progress is not None else "",
        can_cancel=True,
    )


def _make(desk: Desk, page: JobsPage) -> JobsController:
    made = JobsController(desk.window, page, desk.session, desk.flows)
    made.open_requested.connect(desk.commands.to(OPEN_RUN))
    made.resume_requested.connect(desk.commands.to(RESUME_RUN))
    made.cancel_requested.connect(desk.commands.to(CANCEL_RUN))
    return made


CONTROLLER = ControllerSpec(
    "jobs",
    _make,
)
