"""Control the page Compare: the stored result and the changed answers of the chosen version."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.controllers import commands as c
from app.controllers.compare.claims import ResultClaims
from app.controllers.compare.examples import changes_value, proved_value, with_data
from app.controllers.compare.idle import IdleWait
from app.controllers.compare.presenter import compare_value
from app.controllers.compare.sources import sources_of
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.phone import PhoneController
from app.controllers.run_facts import open_facts
from app.controllers.running import JobSlot
from app.controllers.words import error_value
from app.domain.choose import is_safe
from app.domain.run import Run
from app.domain.variant import Variant
from app.services.after.fitting import target_at_once
from app.services.after.one_version import judge_file, may_judge_file
from app.services.after.proving import Proved, evaluate_rest, judge_alone, prove
from app.services.after.run_data import alone_s, evaluated_examples
from app.services.after.trying.showing import changed_examples
from app.services.after.watching import read_watched
from app.services.flow.events import Event, JobBegan, StepProgress
from app.services.flow.steps import Flow
from app.services.opening.sniffing import kind_of
from app.services.records.facts import RunFacts
from app.services.records.fleet import fleet_of_run
from app.services.records.run_records import OtherModelRequest
from widgets.dialogs.incoming_questions import beside_question, consent_question
from widgets.dialogs.questions import ask
from widgets.pages.compare.page import ComparePage
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.paths import from_text
from workers.contracts.translation import _


class CompareController(PageController[ComparePage]):
    """Controller of the page Compare; `_job` evaluates the run again, with other examples or another model."""

    def __init__(self, context: ControllerContext, page: ComparePage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        session, to = context.session, context.commands.to
        self._facts: RunFacts | None = None
        self._looking = JobSlot(context.flows)
        self._predicting = ""
        self._idle = IdleWait(self)
        self._claims = ResultClaims(context, page, self.show)
        self._idle.became_idle.connect(self._on_again)
        page.export_requested.connect(to(c.EXPORT_VERSION))
        page.write_requested.connect(to(c.WRITE_VERSION))
        page.export_anyway_requested.connect(to(c.EXPORT_VERSION))
        page.version_chosen.connect(self._show_changes)
        page.go_on_requested.connect(self._on_go_on)
        page.proof_data_chosen.connect(self.prove)
        page.rest_requested.connect(self.evaluate_rest)
        page.alone_requested.connect(self.prove_alone)
        page.idle_requested.connect(lambda waits: self._idle.start() if waits else self._idle.stop())
        page.other_model_chosen.connect(self.judge_file)
        page.cancel_requested.connect(self._job.cancel)
        page.set_limit_requested.connect(self._on_limit)
        page.again_requested.connect(self._on_again)
        page.computer_requested.connect(self._on_computer)
        page.add_computer_requested.connect(to(c.ADD_COMPUTER))
        page.sources_wanted.connect(self._show_sources)
        page.why_requested.connect(self._on_why)
        page.device_chosen.connect(lambda run_id: session.set_run(session.workspace.repositories.runs.get(run_id)))
        self._phone = PhoneController(context, page, self.show)
        session.run_changed.connect(self.show)
        session.data_changed.connect(self._on_data)
        session.described_changed.connect(self._show_at_once)
        self.show()

    def shown(self) -> None:
        """Show the target of a one-click export, which may have changed on another page."""
        self._show_at_once()

    def show_result(self, run: Run) -> None:
        """Open the page and show the result of this run."""
        self._session.set_run(run)
        self._window.show_page("compare")

    def try_on_phone(self, variant_id: str) -> None:
        """Open the page and measure this version on a phone."""
        self._window.show_page("compare")
        self._phone.show_dialog(variant_id)

    def take_paths(self, paths: list[str]) -> bool:
        """Take more examples for an unproven result, or a model to compare with the original or to open."""
        if self._takes_model(paths):
            ask(
                beside_question(self._page.theme, self._window, Path(paths[0]).name),
                beside=lambda: self.judge_file(paths[0]),
                new=lambda: self._commands.do(c.OPEN_MODEL, paths[0]),
            )
            return True
        best = self._facts.recommended if self._facts is not None else None
        if best is None or is_safe(best) or self._job.is_busy or len(paths) != 1:
            return False
        if kind_of(from_text(paths[0])) != "data":
            return False
        self.prove(paths[0])
        return True

    def show(self) -> None:
        """Show the result of the open run, if there is one."""
        run = self._session.run
        if self._job.is_busy:
            if run is not None and self._facts is not None and run.id == self._facts.run.id:
                return
            self._job.drop()  # another run is open; the job for the previous one has written nothing yet
        self._idle.stop()
        facts = self._facts = open_facts(self._session, self._page)
        if facts is None:
            return
        repositories = self._session.workspace.repositories
        watched, fleet = read_watched(repositories, facts.run.id), fleet_of_run(repositories, facts.run)
        requested, now = evaluated_examples(self._session.workspace, facts), self._session.data_params
        untested = facts.outcome.untested
        takes_s = alone_s(self._session.workspace, facts, untested[-1]) if untested else None
        path = now.path if now is not None else None
        value = with_data(compare_value(facts, watched, fleet), requested, path, takes_s)
        claims, name = self._claims.values(facts), self._claims.file_name(facts)
        known = ("", *self._session.workspace.elsewhere.processors())
        others = tuple(one for one in known if one != facts.run.goal.computer) if len(known) > 1 else ()
        self._page.show_value(replace(value, claims=claims, result_name=name, computers=others))
        self._show_at_once()
        if facts.recommended is not None:
            self._show_changes(facts.recommended.id)

    def _show_at_once(self) -> None:
        """Show the target for a one-click export of the recommended version; it may have changed on another page."""
        facts, described, target = self._facts, self._session.described, None
        if facts is not None and facts.recommended is not None and described is not None:
            last_id = self._settings.value.export_target
            target = target_at_once(described.targets, last_id, facts, facts.recommended)
        self._page.show_at_once(_(target.title) if target is not None else "")

    def _on_data(self) -> None:
        """Show after a change of the data that the result belongs to other examples."""
        if self._page.state == "full":
            self.show()

    def open_result(self, path: str) -> None:
        """Show a result of another computer."""
        self._claims.open(path)

    # --- more examples for an unproven verdict

    def add_data(self, path: str) -> None:
        """Open the page and evaluate the run again with these examples as well."""
        self._window.show_page("compare")
        self.prove(path)

    def _begin(
        self,
        make: Callable[[RunFacts], Flow[Any]],
        title: str,
        first: str,
        later: str,
        on_done: Callable[[Any], None],
        on_failed: Callable[[ErrorInfo], None] | None = None,
        *,
        measures: bool = False,
    ) -> None:
        """Start a job that evaluates the run again, unless another job or a measurement runs.

        `first` is shown until the first event. `later` is the sentence about what to do after the measurement.
        """
        if self._facts is None or self._job.is_busy or self._must_wait(later):
            return
        self._predicting = ""
        self._page.show_loading(first)
        self._start(
            make(self._facts),
            on_done,
            title=title,
            on_failed=on_failed or self._on_not_proved,
            on_cancelled=self.show,
            observe=self._on_event,
            measures=measures,
            computer=self._facts.run.goal.computer,
        )

    def _on_event(self, event: Event) -> None:
        if isinstance(event, JobBegan):
            self._predicting = event.title if event.kind == "answer" else ""
        elif isinstance(event, StepProgress):
            text = _("“{0}” predicts the examples").format(self._predicting) if self._predicting else _(event.stage)
            self._page.show_loading(text, event.done, event.total)

    def prove(self, path: str) -> None:
        """Evaluate the run again with these examples as well."""
        requested = DataParams(model_dir="", path=path)
        if self._session.data_params is not None:
            requested = self._session.data_params.model_copy(update={"path": path, "calibration_path": None})
        self._begin(
            lambda facts: prove(self._session.workspace, facts, requested),
            _("Prove it with more examples"),
            _("Reading the new examples"),
            _("Add the examples again when the run is over."),
            self._on_proved,
        )

    def evaluate_rest(self) -> None:
        """Evaluate the run again with those of its examples that it had no time for."""
        self._begin(
            lambda facts: evaluate_rest(self._session.workspace, facts),
            _("Test the other examples"),
            _("Testing the other examples"),
            _("Test the others when the run is over."),
            self._on_proved,
        )

    def prove_alone(self, version_id: str) -> None:
        """Evaluate one version alone, which counts as a separate look at the test set."""
        version = self._version(version_id)
        if version is not None:
            self._begin(
                lambda facts: judge_alone(self._session.workspace, facts, version),
                _("Prove {0}").format(_(version.title)),
                _("Testing the examples"),
                _("Prove it when the run is over."),
                self._session.set_run,
            )

    def _on_proved(self, proved: Proved) -> None:
        self._session.set_run(proved.run)
        if proved.known or proved.merged:
            self._window.banner(proved_value(proved.added, proved.known, proved.merged))

    def _on_not_proved(self, error: ErrorInfo) -> None:
        """Show the previous result and the error."""
        self.show()
        self._report(error)

    # --- another model compared with the original

    def _takes_model(self, paths: list[str]) -> bool:
        """Return whether the dropped path is a model that can be compared with the original of the result."""
        if self._facts is None or self._job.is_busy or self._page.state != "full" or len(paths) != 1:
            return False
        return kind_of(from_text(paths[0])) == "model" and may_judge_file(self._facts)

    def judge_file(self, path: str, *, code_sha256: str | None = None) -> None:
        """Evaluate a model file on the run's own data, as one more version.

        `code_sha256` is the hash of a program that the person allowed to run.
        """
        opening = OpenParams(path=path, allow_code=code_sha256 is not None, code_sha256=code_sha256, to_prove=True)
        request = OtherModelRequest(opening=opening)
        self._window.banner(None)

        def on_failed(error: ErrorInfo) -> None:
            self.show()
            if error.code == "needs_consent":
                dialog = consent_question(self._page.theme, self._window, Path(path).name, error.detail)
                sha256 = str(error.facts.get("sha256", ""))
                ask(dialog, allow=lambda: self.judge_file(path, code_sha256=sha256))
                return
            shown = error_value(error)  # the details of the difference help most
            self._window.banner(replace(shown, next_step=f"{shown.happened} {shown.next_step}"))

        self._begin(
            lambda facts: judge_file(self._session.workspace, facts, request),
            _("Compare a file with the original"),
            _("Opening the other model"),
            _("Compare the file again when the run is over."),
            self._on_judged,
            on_failed,
            measures=True,
        )

    def _on_judged(self, judged: tuple[Run, str]) -> None:
        run, variant_id = judged
        self._session.set_run(run)
        self._page.choose_version(variant_id)

    # --- details of a version

    def _version(self, variant_id: str) -> Variant | None:
        return self._facts.variant(variant_id) if self._facts is not None else None

    def _show_changes(self, variant_id: str) -> None:
        facts, variant = self._facts, self._version(variant_id)
        if facts is None or variant is None or variant.judgement is None or variant.is_baseline:
            return
        self._session.inspected_version_id = variant_id
        judged = variant.judgement
        self._start(
            changed_examples(self._session.workspace, facts, variant),
            lambda rows: self._page.show_changes(changes_value(rows, judged)),
            slot=self._looking,
        )

    def _show_sources(self, variant_id: str, key: str) -> None:
        """Show the sources of a figure."""
        facts, variant = self._facts, self._version(variant_id)
        if facts is not None and variant is not None:
            points = self._session.workspace.repositories.latencies.of_run(facts.run.id)
            timed = [point.latency_ms for point in points if point.variant_id == variant_id]
            self._page.show_sources(sources_of(facts, variant, timed), key)

    def _on_why(self, variant_id: str) -> None:
        """Show what changed in a version."""
        self._session.inspected_version_id = variant_id
        self._window.show_page("changes")

    def _on_go_on(self, minutes: int) -> None:
        if self._facts is not None:
            self._commands.do(c.EXTEND_RUN, self._facts.run, minutes)

    def _on_again(self) -> None:
        if self._facts is not None:
            self._commands.do(c.REPEAT_RUN, self._facts.run)

    def _on_computer(self, name: str) -> None:
        if self._facts is not None:
            self._commands.do(c.MEASURE_ON, self._facts.run, name)

    def _on_limit(self, limit_pct: float) -> None:
        self._session.change(max_loss_pct=limit_pct)
        self._session.goal_changed.emit()
        self._window.show_page("goal")


CONTROLLER = ControllerSpec(
    "compare",
    CompareController,
    does=(
        c.on(c.ADD_DATA, CompareController.add_data),
        c.on(c.SHOW_RESULT, CompareController.show_result),
        c.on(c.TRY_ON_PHONE, CompareController.try_on_phone),
        c.on(c.OPEN_RESULT, CompareController.open_result),
    ),
    is_done=lambda session, is_running: session.run is not None and not is_running,
)
