"""Control the page Compare: the stored result and the changed answers of the chosen version."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal

from app.controllers.commands import (
    ADD_DATA,
    EXPORT_VERSION,
    EXTEND_RUN,
    OPEN_MODEL,
    REPEAT_RUN,
    SHOW_RESULT,
    WRITE_VERSION,
    on,
)
from app.controllers.compare.examples import changes_value, proved_value, with_data
from app.controllers.compare.idle import IdleWait
from app.controllers.compare.presenter import compare_value
from app.controllers.compare.sources import sources_of
from app.controllers.flows import FlowRunner, Running
from app.controllers.kept import SavedSettings
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.run_facts import facts_or_reported
from app.controllers.session import Session
from app.controllers.words import error_value, tr, wait_for_the_run
from app.domain.choose import is_safe
from app.domain.run import Run
from app.services.after.at_once import target_at_once
from app.services.after.elsewhere import JudgedBeside, judge_file, may_judge_file
from app.services.after.proving import Proved, evaluate_rest, judge_alone, prove
from app.services.after.run_data import alone_s, evaluated_examples
from app.services.after.trying.showing import changed_examples
from app.services.after.watching import read_watched
from app.services.flow.events import Event, JobBegan, StepProgress
from app.services.flow.steps import Flow
from app.services.opening.sniffing import kind_of
from app.services.records.facts import RunFacts
from app.services.records.run_plan import BesideRequest
from widgets.dialogs.incoming_questions import beside_question, consent_question
from widgets.main_window import MainWindow
from widgets.pages.compare.page import ComparePage
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams, Example, OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import Judgement


class CompareController(PageController):
    """Controller of the page Compare.

    `export_requested(variant id)` opens the page Export, `write_requested(variant id)` writes the bundle at once,
    `go_on_requested(run, minutes)` gives more time, `again_requested(run)` measures again, `model_given(path)` opens.
    """

    export_requested = Signal(str)
    write_requested = Signal(str)
    go_on_requested = Signal(object, int)
    again_requested = Signal(object)
    model_given = Signal(str)

    def __init__(
        self, window: MainWindow, page: ComparePage, session: Session, flows: FlowRunner, kept: SavedSettings
    ) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(page)
        self._window, self._page, self._session, self._flows, self._kept = window, page, session, flows, kept
        self._facts: RunFacts | None = None
        self._running: Running | None = None
        self._proving: Running | None = None
        self._asking = ""
        self._idle = IdleWait(self)
        self._idle.came.connect(self._on_again)
        page.export_requested.connect(self.export_requested)
        page.write_requested.connect(self.write_requested)
        page.export_anyway_requested.connect(self.export_requested)
        page.version_chosen.connect(self._show_changes)
        page.go_on_requested.connect(self._on_go_on)
        page.add_data_requested.connect(lambda: window.show_page("data"))
        page.proof_data_chosen.connect(self.prove)
        page.rest_requested.connect(self.evaluate_rest)
        page.alone_requested.connect(self.prove_alone)
        page.idle_requested.connect(self._on_idle_wanted)
        page.other_model_chosen.connect(self.judge_file)
        page.cancel_requested.connect(self._on_cancel)
        page.set_limit_requested.connect(self._on_limit)
        page.goal_requested.connect(lambda: window.show_page("goal"))
        page.again_requested.connect(self._on_again)
        page.log_requested.connect(lambda: window.show_page("optimize"))
        page.page_wanted.connect(window.show_page)
        page.sources_wanted.connect(self._show_sources)
        session.run_changed.connect(self.show)
        session.data_changed.connect(self._on_data)
        session.described_changed.connect(self._tell_at_once)
        window.page_shown.connect(lambda page_id: self._tell_at_once() if page_id == "compare" else None)
        self.show()

    def show_result(self, run: Run) -> None:
        """Open the page and show the result of this run."""
        self._session.set_run(run)
        self._window.show_page("compare")

    def take_paths(self, paths: list[str]) -> bool:
        """Take more examples for an unproven result, or a model to compare with the original or to open."""
        if self._takes_model(paths):
            dialog = beside_question(self._page.theme, self._window, Path(paths[0]).name)
            dialog.answered.connect(lambda answer: self._on_beside_answered(paths[0], answer))
            dialog.open()
            return True
        if not self.takes(paths):
            return False
        self.prove(paths[0])
        return True

    def show(self) -> None:
        """Show the result of the open run, if there is one."""
        run = self._session.run
        if self._proving is not None:
            if run is not None and self._facts is not None and run.id == self._facts.run.id:
                return
            self._on_cancel()  # another run is open; the job for the previous one has written nothing yet
            self._proving = None
        self._facts = None
        self._idle.stop()
        if run is None:
            self._page.show_empty()
            return
        facts = facts_or_reported(self._session, self._page, run)
        if facts is None:
            return
        self._facts = facts
        watched = read_watched(self._session.workspace.repositories, run.id)
        asked = evaluated_examples(self._session.workspace, facts)
        untested = facts.outcome.untested
        takes_s = alone_s(self._session.workspace, facts, untested[-1]) if untested else None
        self._page.show_value(with_data(compare_value(facts, watched), asked, self._chosen_path(), takes_s))
        self._tell_at_once()
        shown = facts.recommended
        if shown is not None:
            self._show_changes(shown.id)

    def _tell_at_once(self) -> None:
        """Show the target for a one-click export of the recommended version; it may have changed on another page."""
        facts, found, target = self._facts, self._session.described, None
        if facts is not None and facts.recommended is not None and found is not None:
            last_id = self._kept.value.export_target
            target = target_at_once(found.targets, last_id, facts, facts.recommended)
        self._page.show_at_once(tr(target.title) if target is not None else "")

    def _chosen_path(self) -> str | None:
        asked = self._session.asked_data
        return asked.path if asked is not None else None

    def _on_data(self) -> None:
        """Show after a change of the data that the result belongs to other examples."""
        if self._page.state == "full":
            self.show()

    # --- more examples for an unproven verdict

    def takes(self, paths: list[str]) -> bool:
        """Return whether the dropped paths are more examples for an unproven verdict."""
        best = self._facts.recommended if self._facts is not None else None
        if best is None or is_safe(best) or self._proving is not None or len(paths) != 1:
            return False
        return kind_of(from_text(paths[0])) == "data"

    def add_data(self, path: str) -> None:
        """Open the page and evaluate the run again with these examples as well."""
        self._window.show_page("compare")
        self.prove(path)

    def prove(self, path: str) -> None:
        """Evaluate the run again with these examples as well."""
        facts, kept = self._facts, self._session.asked_data
        if facts is None or self._proving is not None:
            return
        if self._flows.runs:
            self._window.banner(wait_for_the_run(tr("Add the examples again when the run is over.")))
            return
        asked = DataParams(model_dir="", path=path)
        if kept is not None:
            asked = kept.model_copy(update={"path": path, "calibration_path": None})
        title = tr("Prove it with more examples")
        flow = prove(self._session.workspace, facts, asked)
        self._begin(flow, title, tr("Reading the new examples"), self._on_proved, self._on_not_proved)

    def evaluate_rest(self) -> None:
        """Evaluate the run again with those of its examples that it had no time for."""
        if self._facts is None or self._proving is not None:
            return
        if self._flows.runs:
            self._window.banner(wait_for_the_run(tr("Ask the others when the run is over.")))
            return
        title = tr("Ask the other examples")
        flow = evaluate_rest(self._session.workspace, self._facts)
        self._begin(flow, title, tr("Asking the other examples"), self._on_proved, self._on_not_proved)

    def prove_alone(self, version_id: str) -> None:
        """Evaluate one version alone, which counts as a separate look at the test set."""
        facts = self._facts
        version = next((v for v in facts.variants if v.id == version_id), None) if facts is not None else None
        if facts is None or version is None or self._proving is not None:
            return
        if self._flows.runs:
            self._window.banner(wait_for_the_run(tr("Prove it when the run is over.")))
            return
        title = tr("Prove {0}").format(version.title)
        flow = judge_alone(self._session.workspace, facts, version)
        self._begin(flow, title, tr("Asking the test examples"), self._on_proved_alone, self._on_not_proved)

    def _on_proved_alone(self, running: Running, run: Run) -> None:
        if running is self._proving:
            self._proving = None
            self._session.set_run(run)

    # --- another model beside the original

    def _takes_model(self, paths: list[str]) -> bool:
        """Return whether the dropped path is a model that can be compared with the original of the result."""
        if self._facts is None or self._proving is not None or self._page.state != "full" or len(paths) != 1:
            return False
        return kind_of(from_text(paths[0])) == "model" and may_judge_file(self._facts)

    def _on_beside_answered(self, path: str, answer: str) -> None:
        if answer == "beside":
            self.judge_file(path)
        elif answer == "new":
            self.model_given.emit(path)

    def judge_file(self, path: str, *, allow_code: bool = False) -> None:
        """Evaluate a model file on the run's own data, as one more version."""
        facts = self._facts
        if facts is None or self._proving is not None:
            return
        if self._flows.runs:
            self._window.banner(wait_for_the_run(tr("Judge the file again when the run is over.")))
            return
        self._window.banner(None)
        request = BesideRequest(opening=OpenParams(path=path, allow_code=allow_code, to_prove=True))
        flow = judge_file(self._session.workspace, facts, request)
        title = tr("Judge a file beside the original")

        def on_failed(running: Running, error: ErrorInfo | None) -> None:
            if error is not None and error.code == "needs_consent" and not allow_code:
                self._on_not_proved(running, None)
                dialog = consent_question(self._page.theme, self._window, Path(path).name, error.detail)
                dialog.answered.connect(
                    lambda answer: self.judge_file(path, allow_code=True) if answer == "allow" else None
                )
                dialog.open()
                return
            self._on_not_proved(running, None)
            if error is not None:  # the details of the difference help most
                told = error_value(error)
                self._window.banner(replace(told, next_step=f"{told.happened} {told.next_step}"))

        self._begin(flow, title, tr("Opening the other model"), self._on_judged, on_failed, measures=True)

    def _on_judged(self, running: Running, judged: JudgedBeside) -> None:
        if running is not self._proving:
            return
        self._proving = None
        self._session.set_run(judged.run)
        self._page.choose_version(judged.variant_id)

    # --- jobs of the page that take a while

    def _begin(
        self,
        flow: Flow[Any],
        title: str,
        first: str,
        on_done: Callable[[Running, Any], None],
        on_failed: Callable[[Running, ErrorInfo | None], None],
        *,
        measures: bool = False,
    ) -> None:
        self._asking = ""
        self._page.show_loading(first)
        running = self._flows.start(
            flow,
            title=title,
            on_done=lambda done: on_done(running, done),
            on_failed=lambda error: on_failed(running, error),
            on_cancelled=lambda: on_failed(running, None),
            observe=self._on_event,
            measures=measures,
        )
        self._proving = running

    def _on_event(self, event: Event) -> None:
        if self._proving is None:
            return
        if isinstance(event, JobBegan):
            self._asking = event.title if event.kind == "answer" else ""
        elif isinstance(event, StepProgress):
            text = tr("“{0}” answers the examples").format(self._asking) if self._asking else event.stage
            self._page.show_loading(text, event.done, event.total)

    def _on_proved(self, running: Running, proved: Proved) -> None:
        if running is not self._proving:
            return
        self._proving = None
        self._session.set_run(proved.run)
        if proved.known or proved.merged:
            self._window.banner(proved_value(proved.added, proved.known, proved.merged))

    def _on_not_proved(self, running: Running, error: ErrorInfo | None) -> None:
        """End the job and show the previous result."""
        if running is not self._proving:
            return
        self._proving = None
        self.show()
        if error is not None:
            self._window.banner(error_value(error))

    def _on_cancel(self) -> None:
        if self._proving is not None:
            self._flows.cancel(self._proving)

    def _show_changes(self, variant_id: str) -> None:
        facts = self._facts
        if facts is None:
            return
        variant = next((variant for variant in facts.variants if variant.id == variant_id), None)
        if variant is None or variant.judgement is None or variant.is_baseline:
            return
        self._session.looked_at = variant_id
        if self._running is not None:
            self._flows.cancel(self._running)
        judged = variant.judgement
        self._running = self._flows.start(
            changed_examples(self._session.workspace, facts, variant),
            title="",
            on_done=lambda rows: self._on_examples(rows, judged),
            on_failed=self._on_failed,
        )

    def _on_examples(self, rows: tuple[Example, ...], judged: Judgement) -> None:
        self._running = None
        self._page.show_changes(changes_value(rows, judged))

    def _on_failed(self, error: ErrorInfo) -> None:
        """Show the error in the banner and keep the comparison without pictures; the data may have moved."""
        self._running = None
        self._window.banner(error_value(error))

    def _show_sources(self, variant_id: str, key: str) -> None:
        """Show the sources of a figure."""
        facts = self._facts
        variant = next((v for v in facts.variants if v.id == variant_id), None) if facts is not None else None
        if facts is not None and variant is not None:
            points = self._session.workspace.repositories.latencies.of_run(facts.run.id)
            timed = [point.latency_ms for point in points if point.variant_id == variant_id]
            self._page.show_sources(sources_of(facts, variant, timed), key)

    def _on_go_on(self, minutes: int) -> None:
        if self._facts is not None:
            self.go_on_requested.emit(self._facts.run, minutes)

    def _on_again(self) -> None:
        if self._facts is not None:
            self.again_requested.emit(self._facts.run)

    def _on_idle_wanted(self, waits: bool) -> None:
        if waits:
            self._idle.start()
        else:
            self._idle.stop()

    def _on_limit(self, limit_pct: float) -> None:
        self._session.change(max_loss_pct=limit_pct)
        self._session.goal_changed.emit()
        self._window.show_page("goal")


def _make(desk: ControllerContext, page: ComparePage) -> CompareController:
    made = CompareController(desk.window, page, desk.session, desk.flows, desk.kept)
    made.export_requested.connect(desk.commands.to(EXPORT_VERSION))
    made.write_requested.connect(desk.commands.to(WRITE_VERSION))
    made.go_on_requested.connect(desk.commands.to(EXTEND_RUN))
    made.again_requested.connect(desk.commands.to(REPEAT_RUN))
    made.model_given.connect(desk.commands.to(OPEN_MODEL))
    return made


CONTROLLER = ControllerSpec(
    "compare",
    _make,
    does=(
        on(ADD_DATA, CompareController.add_data),
        on(SHOW_RESULT, CompareController.show_result),
    ),
    is_done=lambda way: way.session.run is not None and not way.is_running,
)
