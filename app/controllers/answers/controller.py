"""Control the page "All answers": the table of the chosen version and the selected examples."""

from collections.abc import Sequence

from app.controllers.answers.file import read_columns
from app.controllers.detail_page import DetailController
from app.controllers.page_controller import ControllerContext, ControllerSpec
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
from widgets.timers import pause
from workers.contracts.data.rows import AnswerRowsResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

PAUSE_MS = 90
"""Time in ms that a row must stay selected before its example is read: arrow keys pass over many rows."""


class AnswersController(DetailController[AnswersPage]):
    """Controller of the page "All answers"; `_job` lists the predictions of the chosen version."""

    page_id = "answers"

    def __init__(self, context: ControllerContext, page: AnswersPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._looking = JobSlot(context.flows)
        self._wanted: tuple[int, ...] = ()
        self._listed: tuple[RunFacts, Variant] | None = None
        self._sounds = SoundPlayer(page.show_sound, self)
        self._pause = pause(self, PAUSE_MS, self._look)
        page.rows_wanted.connect(self._on_rows_wanted)
        page.cancel_requested.connect(lambda: context.window.show_page("compare"))
        page.play_wanted.connect(self._sounds.play)
        page.stop_wanted.connect(self._sounds.stop)

    def left(self) -> None:
        """Stop the sound and all jobs."""
        self._sounds.stop()
        self._cancel()

    def versions_of(self, facts: RunFacts) -> list[Variant]:
        """Return the versions with stored predictions: the recommended one first, the others in the run's order."""
        answered = [v for v in facts.variants if v.answers_key and not v.is_baseline]
        return sorted(answered, key=lambda variant: (variant != facts.recommended, variant.index))

    def show_version(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> None:
        """List the predictions of a version; a version that is shown already stays."""
        if self._listed == self._chosen and self._page.state == "full":
            return
        self._cancel()
        self._listed = self._chosen
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
        if done is None:
            self._page.show_empty()
            return
        try:
            columns = read_columns(done.folder)
        except (OSError, ValueError) as error:
            self._on_failed(_unreadable(error))
            return
        self._page.show_value(
            AnswersValue(
                versions=tuple((version.id, _(version.title)) for version in self.versions_of(facts)),
                chosen=variant.id,
                columns=columns,
                kind=facts.data.kind if facts.data else "images",
                answers=done.result.answers,
                labelled=done.result.labelled,
            )
        )

    def _on_failed(self, error: ErrorInfo) -> None:
        self._page.show_error(error_value(error, page_title=_("The answers cannot be listed")))

    # --- selected examples

    def _on_rows_wanted(self, numbers: tuple[int, ...]) -> None:
        self._wanted = numbers
        self._pause.start()

    def _look(self) -> None:
        if self._chosen is None or self._flows.runs:
            return
        flow = look_at(self._session.workspace, *self._chosen, self._wanted)
        self._start(flow, self._on_looked, slot=self._looking)  # if it fails, only its file may have moved

    def _on_looked(self, inputs: tuple[ShownInput, ...]) -> None:
        self._page.show_looks(tuple(map(_look_value, inputs)))


def _look_value(shown: ShownInput) -> LookValue:
    row = shown.row
    picture = LookCard.picture_of(shown.picture, row.text, "" if shown.sound else row.text)
    picture = boxed(picture, row.boxes_before, row.boxes_after)
    picture = masked(picture, *(PictureValue(data=mask) for mask in shown.masks))
    marked = marked_pair(row.before, row.after) if row.is_text else marked_lists(row.near_before, row.near_after)
    return LookValue(
        row.item,
        picture,
        row.before,
        row.after,
        shown.sound,
        row.levels,
        *marked,
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


CONTROLLER = ControllerSpec(AnswersController.page_id, AnswersController)
