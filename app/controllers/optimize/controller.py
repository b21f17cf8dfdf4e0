"""Control the page Optimize: start runs, show the run of the open project, and continue stopped runs."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from app.controllers import commands as c
from app.controllers.optimize.live_run import MARKS, LiveRun
from app.controllers.optimize.run_watch import RunWatch
from app.controllers.optimize.when_done import WhenDone
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.words import error_value
from app.domain.run import WITH_RESULT, Goal, Run, RunState
from app.domain.variant import LatencyPoint
from app.services.projects.projects import latest_run, new_run
from app.services.projects.running import RunRequest, resume_run
from app.services.records.run_records import read_end
from presets.schema import Preset
from widgets.dialogs.questions import preparation_question
from widgets.pages.optimize.page import OptimizePage
from widgets.timers import every
from workers.contracts.data.doctor import PREPARED_WRONGLY
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams
from workers.contracts.process.allowance import usable_cores
from workers.contracts.translation import _
from workers.contracts.wording import capitalized

NOW_MS = 250


class OptimizeController(PageController[OptimizePage]):
    """Controller of the page Optimize: starts, shows, stops and continues runs."""

    def __init__(self, context: ControllerContext, page: OptimizePage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._live: dict[str, LiveRun] = {}
        self._shown: RunWatch | None = None
        self._dirty = False
        self._waiting: tuple[str, Preset, int | None] | None = None
        self._when_done = WhenDone(context, page)
        self._clock = every(self, NOW_MS, self._on_clock)
        page.compare_requested.connect(self._on_compare)
        page.cancel_requested.connect(lambda: self._with_shown(lambda run: self.cancel(run.id)))
        page.resume_requested.connect(lambda: self._with_shown(context.commands.to(c.RESUME_RUN)))
        page.again_requested.connect(lambda: self._with_shown(context.commands.to(c.REPEAT_RUN)))
        page.measure_now_requested.connect(self._on_measure_now)
        page.go_on_requested.connect(lambda minutes: self._with_shown(context.commands.to(c.EXTEND_RUN), minutes))
        self._session.project_changed.connect(self.show)
        self._session.data_changed.connect(self._on_data_changed)
        self._flows.timing_changed.connect(self._pause_clock)
        self.show()

    def show(self, run: Run | None = None) -> None:
        """Show this run, else the project's active run, else its last run, else the empty page."""
        project = self._session.project
        if run is None and project is not None:
            going = (live.run for live in self._live.values() if live.run.project_id == project.id)
            run = next(going, None) or latest_run(self._session.workspace.repositories, project)
        for live in self._live.values():
            live.leave()
        if run is None:
            self._shown = None
            self._page.show_empty(has_model=self._session.model is not None)
        elif run.id in self._live:
            self._follow(self._live[run.id])
        else:
            self._show_stored(run)

    def reshow(self) -> bool:
        """Draw the shown run again; an active run goes on."""
        self.show(self._shown.run if self._shown is not None else None)
        return True

    def start(
        self, preset: Preset, threads: int | None, fresh: bool = False, computers: tuple[str, ...] | None = None
    ) -> None:
        """Start a new run for the open project on each of its computers; it waits for another measurement.

        `fresh` means that no earlier measurement is used. `computers` replaces those of the project.
        """
        if self._session.opened is None:
            return
        project, repositories = self._session.opened.project, self._session.workspace.repositories
        goal = Goal(preset.id, project.max_loss_pct, preset.time_budget_s)
        here = replace(goal, threads=threads or usable_cores())
        for name in project.computers if computers is None else computers:
            run = new_run(repositories, project, replace(goal, computer=name) if name else here)
            self._drive(run, preset, fresh=fresh)
        self.show()  # the first of several, which runs now

    def show_run(self, run: Run) -> None:
        """Open the page and show this run."""
        self.show(run)
        self._window.show_page("optimize")

    def resume(self, run: Run, preset: Preset, more_s: float | None = None) -> None:
        """Continue a run of the open project, without repeating work that is in the store.

        `more_s` is its additional time in seconds.
        """
        if run.id not in self._live:
            self._drive(run, preset, more_s=more_s)

    def cancel(self, run_id: str) -> None:
        """Stop a run within a second, or remove a waiting run."""
        live = self._live.get(run_id)
        if live is not None and live.running is not None:
            self._flows.cancel(live.running)

    def _drive(self, run: Run, preset: Preset, *, fresh: bool = False, more_s: float | None = None) -> None:
        opened = self._session.opened
        if opened is None:
            return
        project, requested = opened.project, opened.data_params or DataParams(model_dir="")
        live = LiveRun(run)
        request = RunRequest(project, opened.opening, requested, preset, run.goal, fresh)
        live.recorder, flow = resume_run(self._session.workspace, run, request, live.observe, more_s)
        live.watch.latencies(self._session.workspace.repositories.latencies.of_run(run.id))
        for variant in sorted(live.recorder.variants.values(), key=lambda variant: variant.index):
            live.watch.variant(variant)
        self._live[run.id] = live
        self._when_done.begin()
        self._follow(live)
        self._window.show_page("optimize")
        live.running = self._flows.start(
            flow,
            title=_("Optimize {0}").format(project.name),
            on_done=lambda done: self._on_done(live, done),
            on_failed=lambda error: self._on_failed(live, error, preset),
            on_cancelled=lambda: self._on_cancelled(live),
            observe=live.recorder.watch,
            is_run=True,
            run_id=run.id,
            computer=run.goal.computer,
        )

    # --- display

    def _follow(self, live: LiveRun) -> None:
        """Show an active run: its past events first, then each new event."""
        self._shown = live.watch
        self._page.start()
        points = tuple(self._session.workspace.repositories.latencies.of_run(live.run.id))
        self._refresh(live.watch)
        self._add(points)
        self._page.view.add_log(list(live.lines))
        live.on_points, live.on_change = self._add, self._mark
        live.on_line = lambda line: self._page.view.add_log([line])
        self._clock.start()

    def _show_stored(self, run: Run) -> None:
        repositories = self._session.workspace.repositories
        watch = RunWatch(run)
        watch.end = read_end(repositories, run.id)
        self._shown = watch
        self._page.start()
        points = tuple(repositories.latencies.of_run(run.id))
        watch.latencies(points)
        for step in repositories.runs.steps(run.id):
            watch.step(step)
        for variant in sorted(repositories.variants.list(run_id=run.id), key=lambda variant: variant.index):
            watch.variant(variant)
        self._refresh(watch)
        self._add(points)
        self._page.view.plot.set_now(max([run.seconds or 0.0, *(point.at_s for point in points[-1:])]))

    def _mark(self) -> None:
        self._dirty = True

    def _add(self, points: tuple[LatencyPoint, ...]) -> None:
        by_variant: dict[str, list[LatencyPoint]] = defaultdict(list)
        for point in points:
            by_variant[point.variant_id].append(point)
        for variant_id, some in by_variant.items():
            times_s = np.array([point.at_s for point in some])
            self._page.view.plot.add(variant_id, times_s, np.array([point.latency_ms for point in some]))

    def _on_clock(self) -> None:
        watch = self._shown
        if watch is not None and watch.started_s is not None and watch.run.state is RunState.RUNNING:
            self._page.view.plot.set_now(time.monotonic() - watch.started_s)
        if watch is not None and self._dirty:
            self._dirty = False
            self._refresh(watch)
        self._update_window()

    def _pause_clock(self, paused: bool) -> None:
        if paused:
            self._clock.stop()
        elif self._live:
            self._clock.start()

    def _update_window(self) -> None:
        """Set the window's frame rate and progress from the active run, whichever page is shown."""
        active = next((live for live in self._live.values() if live.run.state is RunState.RUNNING), None)
        self._window.set_measuring(active is not None and active.is_measuring)
        whole = active.watch.whole if active is not None else None
        self._window.set_progress("optimize", whole.share if whole is not None else None)
        if active is not None:
            self._window.dock.set_phases(active.watch.phases_s)

    def _refresh(self, watch: RunWatch) -> None:
        self._page.show_value(watch.value())
        self._page.view.plot.set_series(watch.series())
        self._page.view.plot.set_best(watch.best)

    # --- end of a run

    def _end(self, live: LiveRun) -> None:
        live.leave()
        self._live.pop(live.run.id, None)
        if live.recorder is not None:
            live.watch.run = live.recorder.run
            live.watch.end = live.recorder.search_end
        if not self._live:
            self._clock.stop()
            self._window.set_measuring(False)
            self._window.set_progress("optimize", None)
        if self._shown is live.watch:
            self._refresh(live.watch)
            if any(other.run.project_id == live.run.project_id for other in self._live.values()):
                self.show()  # the run of the next computer

    def _on_done(self, live: LiveRun, run: Run) -> None:
        self._end(live)
        self._when_done.end(live.running, live.watch.value().headline or run.headline)
        if self._session.is_open(run.project_id):
            self._session.refresh_project()
            self._session.set_run(run)

    def _on_failed(self, live: LiveRun, error: ErrorInfo, preset: Preset) -> None:
        live.lines.append(f"{MARKS['error']}{error.title}: {error.detail}")
        self._end(live)
        self._when_done.end(live.running, error.title)
        if live.run.state in WITH_RESULT:  # the continued run has its result again, so no page shows the error
            self._window.banner(error_value(error))
        elif error.code == PREPARED_WRONGLY and self._session.is_open(live.run.project_id):
            for other in [one for one in self._live.values() if one.run.project_id == live.run.project_id]:
                self.cancel(other.run.id)  # on the other computers it would end in the same way
            self._ask_preparation(error, preset, live.run.goal.threads)

    def _ask_preparation(self, error: ErrorInfo, preset: Preset, threads: int | None) -> None:
        """Ask how inputs are to be prepared, then start the run with that."""
        specs = {"better": str(error.facts["best"]), "keep": str(error.facts["chosen"])}
        words = str(error.facts["best_words"])
        dialog = preparation_question(self._page.theme, self._window, error.detail, capitalized(words))

        def on_answered(answer: str) -> None:
            if specs.get(answer):
                self._waiting = (specs[answer], preset, threads)
                self._commands.do(c.PREPARE_MODEL, specs[answer])  # the run starts afterwards

        dialog.answered.connect(on_answered)
        dialog.open()

    def _on_data_changed(self) -> None:
        """Start the waiting run when the model is prepared as the user chose."""
        opened, waiting = self._session.opened, self._waiting
        if waiting is None or opened is None or opened.data is None:
            return
        if opened.opening.preprocess == waiting[0]:
            self._waiting = None
            self.start(waiting[1], waiting[2])

    def _on_cancelled(self, live: LiveRun) -> None:
        if live.recorder is not None and live.recorder.run.state is RunState.QUEUED:
            live.recorder.end(RunState.CANCELLED)
        self._end(live)
        self._when_done.end(live.running, "", is_cancelled=True)

    # --- slots

    def _with_shown(self, act: Callable[..., None], *args: object) -> None:
        """Call `act` with the run that the page shows, if any."""
        if self._shown is not None:
            act(self._shown.run, *args)

    def _on_measure_now(self) -> None:
        live = self._live.get(self._shown.run.id) if self._shown is not None else None
        if live is not None and live.running is not None and live.running.driver is not None:
            live.running.driver.skip_wait()

    def _on_compare(self) -> None:
        if self._shown is not None:
            self._session.set_run(self._shown.run)
        self._window.show_page("compare")


CONTROLLER = ControllerSpec(
    "optimize",
    OptimizeController,
    does=(
        c.on(c.START_RUN, OptimizeController.start),
        c.on(c.CONTINUE_RUN, OptimizeController.resume),
        c.on(c.SHOW_RUN, OptimizeController.show_run),
        c.on(c.CANCEL_RUN, OptimizeController.cancel),
    ),
    is_done=lambda session, is_running: session.run is not None and not is_running,
)
