"""Control the page "What changed, and why": compare the original with the chosen version and explain the difference."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from app.controllers.changes.tried import tried_value
from app.controllers.commands import REPEAT_RUN
from app.controllers.detail_page import DetailController
from app.controllers.page_controller import ControllerContext, ControllerSpec
from app.domain.drawing.html import html_of
from app.domain.drawing.svg import svg_of
from app.domain.variant import Variant
from app.services.after.comparing_graphs import compare_versions, stored_comparison
from app.services.after.explaining import explain_version
from app.services.after.trying.tried import tried_run
from app.services.flow.events import Event
from app.services.flow.steps import Flow, JobError
from app.services.records.facts import RunFacts
from widgets.pages.changes.page import ChangesPage
from widgets.pages.changes.value import ChangesValue
from workers.contracts.after.changes import DiffResult, ExplainResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _


class ChangesController(DetailController[ChangesPage]):
    """Controller of the page; it compares nothing before the user requests it."""

    page_id = "changes"

    def __init__(self, context: ControllerContext, page: ChangesPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._explained: dict[str, ExplainResult] = {}
        page.compare_requested.connect(self.compare)
        page.explain_requested.connect(self.explain)
        page.save_requested.connect(self.save)
        page.again_requested.connect(self._on_again)

    def reshow(self) -> bool:
        """Keep an explanation that was found, because it takes minutes."""
        if not self._explained:
            return super().reshow()
        self.show()
        return True

    def versions_of(self, facts: RunFacts) -> Sequence[Variant]:
        """Return the stored versions: the recommended one first, the original last."""
        best = facts.run.recommended_variant_id
        stored = [variant for variant in facts.variants if variant.artifact_key]
        return sorted(stored, key=lambda one: (one.is_baseline, one.id != best, one.index))

    def value_of(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> ChangesValue:
        """Return the stored comparison or the offer to make it, and everything that the run tried."""
        space, judged = self._session.workspace, variant.judgement
        return ChangesValue(
            versions=tuple((one.id, _(one.title)) for one in versions),
            chosen=variant.id,
            tried=tried_value(facts, tried_run(space, facts, self._session.described)),
            result=self._stored(facts, variant),
            explained=self._explained.get(variant.id),
            n_changed=None if judged is None else judged.changed_count,
            can_explain=variant.recipe.elsewhere is not None,
            can_compare=not variant.is_baseline,
        )

    def _stored(self, facts: RunFacts, variant: Variant) -> DiffResult | None:
        if not variant.is_baseline:
            with contextlib.suppress(OSError, JobError):  # the version's files are gone
                return stored_comparison(self._session.workspace, facts, variant)
        return None

    def compare(self) -> None:
        """Compare both versions; a file from elsewhere with other answers is explained as well."""
        self._find(compares=True)

    def explain(self) -> None:
        """Look for the cause of other answers."""
        self._find(compares=False)

    def _find(self, *, compares: bool) -> None:
        space = self._session.workspace

        def found(facts: RunFacts, variant: Variant) -> Flow[None]:
            if compares:
                yield from compare_versions(space, facts, variant)
            if variant.recipe.elsewhere is not None and not (compares and _is_alike(variant)):
                self._explained[variant.id] = yield from explain_version(space, facts, variant)

        self.begin(
            found,
            title=_("Show what changed"),
            opening=_("Opening both versions"),
            again=_("Try again when the run is over."),
        )

    def on_event(self, event: Event) -> None:
        """Show the progress of the job."""
        self._show_stage(event)

    def save(self, path: str) -> None:
        """Write the shown comparison as a page or as a picture."""
        facts, variant = self._chosen or (None, None)
        result = facts and variant and self._stored(facts, variant)
        if not facts or not variant or not result:
            return
        titles = (_(facts.baseline.title), _(variant.title))
        file = Path(path)
        try:
            text = svg_of(result, titles) if file.suffix.lower() == ".svg" else html_of(result, titles)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            title, hint = _("The comparison could not be saved"), _("Free some space, or choose another folder.")
            detail = f"{path}: {error.strerror or error}."
            self._report(ErrorInfo(code="not_written", title=title, detail=detail, hint=hint))
        else:
            self._page.show_saved(path)

    def _on_again(self) -> None:
        if self._session.run is not None:
            self._commands.do(REPEAT_RUN, self._session.run)


def _is_alike(variant: Variant) -> bool:
    """Return whether no test example is answered otherwise."""
    return variant.judgement is not None and not variant.judgement.changed_count


CONTROLLER = ControllerSpec("changes", ChangesController)
