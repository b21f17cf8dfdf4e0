"""Control the results of other computers on the page Compare: save, open, accept a key, remove."""

from collections.abc import Callable
from pathlib import Path

from app.controllers.export.presenter import file_stem
from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import engine_name, notice
from app.domain.saved_result import Recipe, SavedVersion, Signer
from app.domain.variant import Variant
from app.domain.words.claims import basis_words, claim_words, likeness_words, signer_words, speed_words
from app.services.after.saved_results import (
    ShownResult,
    accept_signer,
    add_result,
    own_recipes,
    read_result,
    remove_result,
    save_result,
    shown_results,
)
from app.services.flow.steps import JobError
from app.services.opening.sniffing import RESULT_SUFFIX
from app.services.records.facts import RunFacts
from widgets.pages.compare.page import ComparePage
from widgets.pages.compare.value import ClaimValue
from widgets.parts.cards.error import ErrorValue
from workers.contracts.errors import WorkerError
from workers.contracts.paths import from_text
from workers.contracts.translation import _, joined
from workers.contracts.wording import capitalized


class ResultClaims(PageController[ComparePage]):
    """The results of other computers for the open project, owned by the page's controller.

    `on_changed` shows the page again.
    """

    def __init__(self, context: ControllerContext, page: ComparePage, on_changed: Callable[[], None]) -> None:
        """Create the part and connect it to its page."""
        super().__init__(context, page)
        self._on_changed = on_changed
        page.claims.save_requested.connect(self._on_save)
        page.claims.open_requested.connect(self.open)
        page.claims.removed.connect(self._on_remove)
        page.claims.accepted.connect(self._on_accept)
        self._facts: RunFacts | None = None

    def values(self, facts: RunFacts) -> tuple[ClaimValue, ...]:
        """Return all results of other computers for the model of a run."""
        self._facts = facts
        shown = shown_results(self._session.workspace, facts)
        own = own_recipes(facts) if shown else {}
        described = self._session.described
        titles = {row.id: _(row.title) for row in described.techniques} if described is not None else {}
        return tuple(_value(one, facts, own, titles) for one in shown)

    @staticmethod
    def file_name(facts: RunFacts) -> str:
        """Return the proposed name of the file of a run's result."""
        return f"{file_stem(facts.project.name)}{RESULT_SUFFIX}"

    def open(self, path: str) -> None:
        """Check the file of a result and show it beside the own measurement."""
        self._window.banner(None)
        try:
            item, opened = read_result(from_text(path))
            add_result(self._session.workspace, self._session.project, item, opened)
        except JobError as error:
            self._report(error.error)
            return
        self._window.show_page("compare")
        if self._session.run is None:
            self._window.banner(_waiting())
        self._show()

    def _on_save(self, path: str) -> None:
        if self._facts is None:
            return
        out = Path(path)
        try:
            signed_by = save_result(self._session.workspace, self._facts, out)
        except (JobError, WorkerError) as error:
            self._report(error.error if isinstance(error, JobError) else error.info())
            return
        self._window.banner(
            notice(
                _("The result was saved"),
                _("“{0}” is signed with this computer's key {1}.").format(out.name, signed_by[:16]),
                _("Pass it on. Another Fettle that has this model shows it beside its own measurement."),
                is_safe=_("Yes. It holds figures and names of techniques, and nothing of your data."),
                icon="check-circle",
            )
        )

    def _on_remove(self, item: str) -> None:
        if self._facts is not None:
            remove_result(self._session.workspace, self._facts.project.id, item)
            self._show()

    def _on_accept(self, signed_by: str, is_accepted: bool) -> None:
        accept_signer(self._session.workspace, signed_by, is_accepted)
        self._show()

    def _show(self) -> None:
        """Show the page again at the results, because it begins at its top."""
        self._on_changed()
        self._page.show_claims()


def _value(shown: ShownResult, facts: RunFacts, own: dict[Recipe, Variant], titles: dict[str, str]) -> ClaimValue:
    result, signed_by = shown.opened.result, shown.opened.signed_by
    main = result.main

    def name(version: SavedVersion) -> str:
        same = own.get(version.recipe)
        if same is not None:
            return _(same.title)
        if version is result.original:
            return _("Original")
        made = joined([titles.get(step.technique, step.technique) for step in version.steps], " + ")
        return joined([made or _("unchanged files"), engine_name(version.runtime)], ", ")

    lines = [_("“{0}”: {1}").format(name(main), basis_words(result, main))]
    lines += [
        _("Your recommended “{0}” there: {1}; {2}").format(
            name(version), speed_words(version), basis_words(result, version)
        )
        for version in result.versions
        if version is not main and facts.recommended is not None and own.get(version.recipe) is facts.recommended
    ]
    return ClaimValue(
        shown.item,
        capitalized(claim_words(result)),
        (*lines, *filter(None, (likeness_words(shown.is_like),))),
        signer_words(shown.signer, signed_by),
        signed_by,
        is_accepted={Signer.NEW: False, Signer.KNOWN: True}.get(shown.signer),
    )


def _waiting() -> ErrorValue:
    return notice(
        _("The result waits for your own measurement"),
        _("It is about this project's model, which was not optimized here yet."),
        _("Optimize it: Compare then shows the result beside your own."),
        icon="info",
    )
