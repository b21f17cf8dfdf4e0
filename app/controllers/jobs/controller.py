"""Control the page Jobs: running, waiting and finished jobs."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from app.controllers.commands import CANCEL_RUN, OPEN_RUN, RESUME_RUN
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.running import Running
from app.controllers.words import device_words
from app.domain.job import ExportRecord
from app.domain.outcome import Ending
from app.domain.record import parsed
from app.domain.run import UNDER_WAY, Run, RunState
from app.jobs.outcome import read_tail
from app.services.flow.workspace import Workspace
from app.services.projects.projects import shown_projects
from app.services.records.run_records import outcome_of_run, read_end
from presets.loader import load_presets
from widgets.commands import Command
from widgets.pages.jobs.page import JobsPage
from widgets.pages.jobs.value import JobState, JobValue
from widgets.timers import every
from workers.contracts.error_info import ErrorInfo
from workers.contracts.runtimes import needs_gpu
from workers.contracts.translation import _, joined

CAN_GO_ON = (RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED)
REFRESH_MS = 1000
MAX_RUNS = 300
MAX_LOG_BYTES, MAX_LOG_LINES = 64_000, 200


NO_VERDICT = (Ending.UNSETTLED, Ending.UNTESTED, Ending.BUSY, Ending.TIME_UP, Ending.NOTHING_TRIED, Ending.FEW_EXAMPLES)


class JobsController(PageController[JobsPage]):
    """Controller of the page Jobs. Jobs that are no runs are cancelled here."""

    def __init__(self, context: ControllerContext, page: JobsPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._runs: dict[str, Run] = {}
        self._is_open: dict[tuple[object, ...], bool] = {}
        self._timer = every(self, REFRESH_MS, self._on_timer)
        page.job_cancel_requested.connect(self._on_cancel)
        page.resume_requested.connect(lambda run_id: self._do_for_run(run_id, RESUME_RUN))
        page.open_requested.connect(lambda run_id: self._do_for_run(run_id, OPEN_RUN))
        page.log_requested.connect(self._on_log)
        context.flows.changed.connect(self.show)
        context.session.run_changed.connect(self.show)
        self._timer.start()

    def shown(self) -> None:
        """Show the jobs."""
        self.show()

    def show(self) -> None:
        """Show other jobs first, then runs and exports, the newest first; does nothing while the page is hidden."""
        if not self._page.isVisible():
            return
        repositories = self._session.workspace.repositories
        names = {project.id: project.name for project in shown_projects(repositories)}
        runs = [run for run in repositories.runs.list(limit=MAX_RUNS) if run.project_id in names]
        self._runs = {run.id: run for run in runs}
        rows = [_flow_value(running) for running in self._flows.active if running.title and not running.is_run]
        runtimes = repositories.variants.runtimes(self._runs)
        titles = run_titles(runs, names, self._goals())
        stored = [self._run_value(run, titles[run.id], runtimes.get(run.id, ())) for run in runs]
        stored += [
            self._export_value(record, names[self._runs[record.run_id].project_id])
            for record in repositories.exports.list()
            if record.run_id in self._runs
        ]
        stored.sort(key=lambda row: row.created_at or datetime.max.replace(tzinfo=UTC), reverse=True)
        rows += stored[:MAX_RUNS]
        if rows:
            self._page.show_value(tuple(rows))
        else:
            self._page.show_empty()

    def _on_timer(self) -> None:
        if self._flows.active and not self._flows.is_timing:
            self.show()

    def _on_cancel(self, job_id: str) -> None:
        if job_id in self._runs:
            self._commands.do(CANCEL_RUN, job_id)
            return
        for running in self._flows.active:
            if _flow_id(running) == job_id:
                self._flows.cancel(running)

    def _run_value(self, run: Run, name: str, runtimes: Iterable[str]) -> JobValue:
        busy = run.state in UNDER_WAY
        described = self._session.described
        used_gpu = described is not None and any(map(needs_gpu, runtimes))
        running = next((one for one in self._flows.everything if one.run_id == run.id), None)
        progress = running.progress if running is not None and run.state is RunState.RUNNING else None
        state = "finished" if run.state is RunState.KEPT_ORIGINAL else cast(JobState, run.state.value)
        return JobValue(
            id=run.id,
            title=name,
            state="open" if self._has_no_verdict(run) else state,
            device=run.goal.computer or device_words(described.device if described is not None and used_gpu else None),
            created_at=run.created_at,
            seconds=run.seconds,
            progress=progress.share if progress is not None else None,
            detail=_(progress.stage) if progress is not None else run.headline,
            can_cancel=busy,
            can_resume=run.state in CAN_GO_ON,
            can_open=not busy,
        )

    def _export_value(self, record: ExportRecord, project: str) -> JobValue:
        described = self._session.described
        targets = {row.id: _(row.title) for row in described.targets} if described is not None else {}
        return JobValue(
            id=f"export-{record.id}",
            title=_("Export of {0}, {1}").format(project, targets.get(record.target, record.target)),
            state="finished",
            created_at=record.created_at,
            detail=record.path,
        )

    def _goals(self) -> dict[str, str]:
        presets = load_presets(self._session.workspace.paths.presets).presets
        return {preset.id: _(preset.title) for preset in presets}

    def _has_no_verdict(self, run: Run) -> bool:
        """Return whether a run has ended while a better version was still undecided."""
        if run.state is not RunState.KEPT_ORIGINAL:
            return False
        key = (run.id, run.finished_at, run.headline)
        if key not in self._is_open:
            repositories = self._session.workspace.repositories
            variants = repositories.variants.list(run_id=run.id)
            self._is_open[key] = outcome_of_run(run, variants, read_end(repositories, run.id)).ending in NO_VERDICT
        return self._is_open[key]

    def _do_for_run(self, run_id: str, command: Command[[Run], None]) -> None:
        if run_id in self._runs:
            self._commands.do(command, self._runs[run_id])

    def _on_log(self, run_id: str) -> None:
        if run_id in self._runs:
            self._page.show_log(run_id, "\n".join(log_lines(self._session.workspace, self._runs[run_id])))


def run_titles(runs: Sequence[Run], projects: Mapping[str, str], goals: Mapping[str, str]) -> dict[str, str]:
    """Return the title of each run: its project, its goal, and a number if the project has several with that goal."""
    counts: Counter[tuple[str, str]] = Counter()
    titles = {}
    for run in sorted(runs, key=lambda one: one.created_at):
        goal = run.goal.preset_id
        counts[run.project_id, goal] += 1
        number = counts[run.project_id, goal]
        title = _("{0}, {1}").format(projects.get(run.project_id, ""), goals.get(goal, goal))
        titles[run.id] = title if number == 1 else _("{0} ({1})").format(title, number)
    return titles


def log_lines(workspace: Workspace, run: Run) -> list[str]:
    """Return the run's steps, errors, and the end of each process's output."""
    repositories = workspace.repositories
    lines = [
        f"{joined((f'{step.title}: {step.state}', step.figure, step.detail), '  ')}"
        for step in repositories.runs.steps(run.id)
    ]
    lines += [run.headline] if run.headline else []
    for job in reversed(repositories.jobs.list(run_id=run.id)):
        error = parsed(ErrorInfo, job.error_json)
        output = read_tail(workspace.paths.log_of(job.log_path), MAX_LOG_BYTES).strip().splitlines()
        if error is not None or output:
            lines += ["", f"— {job.title} ({job.device}, {job.state}) —", *output[-MAX_LOG_LINES:]]
        if error is not None:
            lines += [f"{error.title}: {error.detail}", *error.traceback.splitlines()]
    return lines


def _flow_id(running: Running) -> str:
    return f"flow-{id(running)}"


def _flow_value(running: Running) -> JobValue:
    seconds = time.monotonic() - running.started_s
    progress = running.progress
    return JobValue(
        id=_flow_id(running),
        title=running.title,
        state="running",
        device=running.computer,
        created_at=datetime.now(UTC) - timedelta(seconds=seconds),
        seconds=seconds,
        progress=progress.share if progress is not None else None,
        detail=_(progress.stage) if progress is not None else "",
        can_cancel=True,
    )


CONTROLLER = ControllerSpec("jobs", JobsController)
