"""Control the page "All answers": the table of the chosen version and the selected examples."""

from PySide6.QtCore import QTimer

from app.controllers.answers.file import read_columns
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.run_facts import open_facts
from app.controllers.running import JobSlot
from app.controllers.sounds import SoundPlayer
from app.controllers.wordings import marked_lists, marked_pair
from app.controllers.words import error_value
from app.domain.variant import Variant
from app.services.after.trying.showing import ShownInput, answer_rows, look_at
from app.services.flow.steps import StepResult
from app.services.records.facts import RunFacts
from widgets.pages.answers.look import LookCard
from widgets.pages.answers.page import AnswersPage
from widgets.pages.answers.value import AnswersValue, LookValue
from widgets.parts.boxes import boxed, masked
from widgets.parts.pictures import PictureValue
from workers.contracts.data.rows import AnswerRowsResult
from workers.contracts.errors import ErrorInfo
from workers.contracts.translation import _

PAGE = "answers"
PAUSE_MS = 90
"""Time in ms that a row must stay selected before its example is read: arrow keys pass over many rows."""


class AnswersController(PageController):
    """Controller of the page "All answers"; it reads nothing before the page is shown."""

    def __init__(self, desk: ControllerContext, page: AnswersPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(desk, page)
        self._page, window = page, desk.window
        self._chosen: tuple[RunFacts, Variant] | None = None
        self._looking = JobSlot(desk.flows)
        self._wanted: tuple[int, ...] = ()
        self._sounds = SoundPlayer(page.show_sound, self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._look)
        page.rows_wanted.connect(self._on_rows_wanted)
        page.version_chosen.connect(self._on_version)
        page.cancel_requested.connect(lambda: window.show_page("compare"))
        page.play_wanted.connect(self._sounds.play)
        page.stop_wanted.connect(self._sounds.stop)
        desk.session.run_changed.connect(self._on_run_changed)
        desk.flows.changed.connect(self._on_flows_changed)
        page.show_empty()

    def shown(self) -> None:
        """Show the version inspected on Compare."""
        self.show()

    def left(self) -> None:
        """Stop the sound and all jobs."""
        self._sounds.stop()
        self._cancel()

    def _on_run_changed(self) -> None:
        self._chosen = None
        if self._window.current_page == PAGE:
            self.show()

    def _on_flows_changed(self) -> None:
        if self._window.current_page == PAGE and self._chosen is None and not self._flows.runs:
            self.show()

    def show(self) -> None:
        """Show the version inspected on Compare, else the recommended one; a version that is shown already stays."""
        if self._flows.runs and self._session.run is not None:
            self._chosen = None
            self._page.show_empty(is_measuring=True)
            return
        facts = open_facts(self._session, self._page)
        if facts is None:
            return
        versions = answered(facts)
        wanted = self._session.looked_at or (facts.recommended.id if facts.recommended else "")
        variant = next((version for version in versions if version.id == wanted), None) or next(iter(versions), None)
        if variant is None:
            self._page.show_empty()
        elif (facts, variant) != self._chosen or self._page.state != "full":
            self._load(facts, variant)

    def _load(self, facts: RunFacts, variant: Variant) -> None:
        self._cancel()
        self._chosen = facts, variant
        self._page.show_loading(_("Listing all answers"))
        self._start(
            answer_rows(self._session.workspace, facts, variant),
            lambda done: self._on_rows(facts, variant, done),
            on_failed=self._on_failed,
        )

    def _cancel(self) -> None:
        self._pause.stop()
        self._job.drop()
        self._looking.drop()

    def _on_rows(self, facts: RunFacts, variant: Variant, done: StepResult[AnswerRowsResult] | None) -> None:
        if done is None or self._chosen is None or facts is not self._chosen[0]:
            self._page.show_empty()
            return
        try:
            columns = read_columns(done.folder)
        except (OSError, ValueError) as error:
            self._on_failed(_unreadable(error))
            return
        self._page.show_value(
            AnswersValue(
                versions=tuple((version.id, version.title) for version in answered(facts)),
                chosen=variant.id,
                columns=columns,
                kind=facts.data.kind if facts.data else "images",
                answers=done.result.answers,
                labelled=done.result.labelled,
            )
        )

    def _on_failed(self, error: ErrorInfo) -> None:
        self._page.show_error(error_value(error, page_title=_("The answers cannot be listed")))

    def _on_version(self, variant_id: str) -> None:
        if self._chosen is None:
            return
        facts, before = self._chosen
        variant = facts.variant(variant_id) or before
        if variant != before:
            self._session.looked_at = variant.id
            self._load(facts, variant)

    # --- selected examples

    def _on_rows_wanted(self, numbers: tuple[int, ...]) -> None:
        self._wanted = numbers
        self._pause.start()

    def _look(self) -> None:
        if self._chosen is None or self._flows.runs:
            return
        flow = look_at(self._session.workspace, *self._chosen, self._wanted)
        self._start(flow, self._on_looked, slot=self._looking)  # if it fails, only its file may have moved

    def _on_looked(self, found: tuple[ShownInput, ...]) -> None:
        self._page.show_looks(tuple(_look_value(looked) for looked in found))


def answered(facts: RunFacts) -> list[Variant]:
    """Return the versions with stored predictions: the recommended one first, the others in the order of the run."""
    found = [v for v in facts.variants if v.answers_key and not v.is_baseline]
    return sorted(found, key=lambda variant: (variant != facts.recommended, variant.index))


def _look_value(looked: ShownInput) -> LookValue:
    row = looked.row
    picture = LookCard.picture_of(looked.picture, row.text, "" if looked.sound else row.text)
    picture = boxed(picture, row.boxes_before, row.boxes_after)
    picture = masked(picture, *(PictureValue(data=mask) for mask in looked.masks))
    parts = marked_pair(row.before, row.after) if row.is_text else ((), ())
    found = marked_lists(row.near_before, row.near_after)
    return LookValue(
        row.item,
        picture,
        row.before,
        row.after,
        row.label,
        looked.sound,
        row.levels,
        *(parts if row.is_text else found),
        reference=row.reference,
        is_list=bool(row.near_before or row.near_after),
    )


def _unreadable(error: Exception) -> ErrorInfo:
    return ErrorInfo(
        code="rows_damaged",
        title=_("The list of answers is damaged"),
        detail=_("The file cannot be read: {0}.").format(error),
        hint=_("Your result is safe. If this persists, optimize again."),
    )


CONTROLLER = ControllerSpec(PAGE, AnswersController)
