"""Decide which versions the export targets take, and prove a version that a target could take."""

from collections.abc import Callable

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import notice
from app.domain.run import Run
from app.domain.variant import Variant
from app.domain.words.results import times, why_not
from app.services.after.fitting import fitting, provable
from app.services.after.one_version import is_timed, prove_alone, prove_alone_s
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import ProveValue
from widgets.parts.cards.error import ErrorValue
from workers.contracts.error_info import ErrorInfo
from workers.contracts.specs import DescribedTarget
from workers.contracts.translation import _
from workers.contracts.wording import about


class TargetProof(PageController[ExportPage]):
    """The proof of one version alone for an export target, owned by the page's controller.

    `on_changed(id)` is called with the wanted version when the proof starts and when it ends, because the target may
    take another version afterwards.
    """

    def __init__(self, context: ControllerContext, page: ExportPage, on_changed: Callable[[str], None]) -> None:
        """Create the proof; `on_changed` receives the id of the wanted version."""
        super().__init__(context, page)
        self._on_changed = on_changed
        self._wanted_id = ""
        self._target: DescribedTarget | None = None
        self._version_id = ""

    def offer(self, target: DescribedTarget, facts: RunFacts, wanted: Variant) -> ProveValue | None:
        """Return the offer to prove a version for a target; None if the wanted version fits or none can be proven."""
        version = provable(target, facts, wanted) if target.id else None
        if version is None:
            return None
        seconds = prove_alone_s(self._session.workspace, facts, version)
        takes = about(seconds) if seconds is not None else ""
        return ProveValue(_(version.title), takes, is_timed(version), is_running=self._job.is_busy)

    def start(self, target: DescribedTarget, facts: RunFacts, wanted: Variant) -> None:
        """Evaluate the offered version."""
        version = provable(target, facts, wanted)
        if version is None or self._job.is_busy or self._must_wait(_("Prove it when the run is over.")):
            return
        self._start(
            prove_alone(self._session.workspace, facts, version),
            self._on_done,
            title=_("Prove {0}").format(_(version.title)),
            on_failed=self._on_failed,
            on_cancelled=lambda: self._on_changed(self._wanted_id),
            measures=not is_timed(version),
            computer=facts.run.goal.computer,
        )
        self._wanted_id, self._target, self._version_id = wanted.id, target, version.id
        self._on_changed(wanted.id)

    def _on_done(self, run: Run) -> None:
        self._session.set_run(run)
        self._on_changed(self._wanted_id)
        facts = read_facts(self._session.workspace, run.id)
        version = next(one for one in facts.variants if one.id == self._version_id)
        if self._target is not None and not self._is_taken(self._target, facts, version):
            self._window.banner(_not_taken_value(version, facts))

    def _is_taken(self, target: DescribedTarget, facts: RunFacts, version: Variant) -> bool:
        wanted = next(one for one in facts.variants if one.id == self._wanted_id)
        return version.id in (fitting(target, facts, one).id for one in (wanted, facts.recommended or wanted))

    def _on_failed(self, error: ErrorInfo) -> None:
        self._report(error)
        self._on_changed(self._wanted_id)


def _not_taken_value(version: Variant, facts: RunFacts) -> ErrorValue:
    """Return why the target still takes the version that it took before."""
    measured = version.measurement
    happened = _("Other programs disturbed the comparison of its speed.")
    if not measured.under_load and measured.speedup is not None:
        text = _("Measured in turn with the original, it is {0} times as fast.")
        happened = text.format(times(measured.speedup))
    if version.judgement is None:
        happened += " " + _("Its answers were not tested.")
    return notice(
        _("“{0}” is not used: {1}").format(_(version.title), why_not(version, facts.run.goal.max_loss_pct)),
        happened,
        _("Export uses the same version as before. You can also choose another kind of bundle."),
        is_safe=_("Yes. What was proven before has not changed."),
        icon="info",
    )


def offered(row: DescribedTarget, facts: RunFacts, wanted: Variant) -> DescribedTarget:
    """Return the target, marked as not available if it takes no version of this run."""
    if not row.available:
        return row
    try:
        fitting(row, facts, wanted)
    except JobError:
        nothing = _("This run has no version for this target")
        return row.model_copy(update={"available": False, "summary": nothing, "hint": ""})
    return row
