"""Show the page "Try it": one input with the live predictions and latencies of both versions."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.pages.try_it.cards import LEAST_HEIGHT_PX, AnswerCard, TextInput
from widgets.pages.try_it.layout import TryLayout, try_words
from widgets.pages.try_it.value import ExampleValue, InputValue, TriedValue, TryValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import EmptyCard
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.nouns import DataKind, counted
from widgets.parts.page import Page
from widgets.parts.service.card import ServicePart
from widgets.parts.small import PageHead
from widgets.parts.sound_bar import SoundState
from widgets.theme import Theme
from widgets.timers import pause
from workers.contracts.after.trying import TryAnswer
from workers.contracts.translation import _

"""Pause in ms after typing until the text is sent to both versions."""
BUSY_MS = 300
"""Time in ms after which a running request is shown."""
USUAL_PAGE_PX, ANSWERS_SHARE, LARGE_PAGE_PX = 800, 0.45, 1200
"""Usual height in pixels, share of the additional height for input and predictions, and height for large examples."""


class TryPage(Page):
    """The page "Try it": `path_chosen(path)`, `text_typed(text)`, `example_chosen(item)`, `again_requested(id)`.

    `version_chosen(id)` selects another version next to the original. `folder_requested(id)` and
    `desktop_requested(id)` use the shown version here. `reload_requested` loads both again, and
    `cancel_requested` stops the current request. `play_wanted(WAV bytes)` and `stop_wanted` come from a sound's
    button.
    """

    path_chosen = Signal(str)
    text_typed = Signal(str)
    example_chosen = Signal(int)
    again_requested = Signal(int)
    version_chosen = Signal(str)
    changed_requested = Signal()
    reload_requested = Signal()
    export_requested = Signal(str)
    folder_requested = Signal(str)
    desktop_requested = Signal(str)
    play_wanted = Signal(bytes)
    stop_wanted = Signal()

    fills_height = True
    widest_px = 2400

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Try it"))
        self._value: TryValue | None = None
        self.service = ServicePart(theme, self)
        self._late = pause(self, BUSY_MS, self._on_late)
        self._editor: TextInput | None = None
        self._parts: TryLayout | None = None

    # -- states --
    def show_empty(self, *, has_run: bool = False) -> None:
        """Show that nothing can be tried; with `has_run` the run has no version to compare with the original."""
        self._forget()
        title = _("Nothing to try yet")
        text = _("Once there is an optimized version, try it with your own input beside the original.")
        go = self._add_next_button()
        if has_run:
            go = PrimaryButton(self.theme, _("Choose a goal"), "target", on=self._to("goal"))
            title = _("There is no version to compare with the original")
            text = _("No tried version could be kept. Another goal tries other techniques.")
        self._fill("empty", PageHead(_("Try it")), EmptyCard(self.theme, "play", title, text, go))

    def show_measuring(self) -> None:
        """Show that versions are being measured, because a trial would disturb their latencies."""
        self._forget()
        go = GhostButton(self.theme, _("Back to Compare"), "chart-bar", on=self._to("compare"))
        title = _("Versions are being measured now")
        text = _("Answering something at the same time would distort their figures. Try it when they are done.")
        self._fill("measuring", PageHead(_("Try it")), EmptyCard(self.theme, "hourglass", title, text, go))

    def show_value(self, value: TryValue) -> None:
        """Show both versions, which are still to be loaded; a typed text stays."""
        typed = self._editor.toPlainText() if self._editor is not None else ""
        self._forget()
        self._value = value
        parts = TryLayout(self.theme, self._pictures, value)
        self._parts, self._editor = parts, parts.editor
        if parts.editor is not None:
            with QSignalBlocker(parts.editor):
                parts.editor.setPlainText(typed)
            parts.editor.settled.connect(self.text_typed)
        parts.choose.clicked.connect(self.choose_file)
        for button, wanted in (
            (parts.export, self.export_requested),
            (parts.folder, self.folder_requested),
            (parts.desktop, self.desktop_requested),
        ):
            button.clicked.connect(lambda _on=False, wanted=wanted: wanted.emit(str(parts.versions.currentData())))
        parts.versions.currentIndexChanged.connect(
            lambda _at: self.version_chosen.emit(str(parts.versions.currentData()))
        )
        parts.strip.picked.connect(lambda row: self.example_chosen.emit(parts.strip.rows.values[row].item))
        parts.changed.clicked.connect(self.changed_requested)
        parts.tried.picked.connect(lambda row: self.again_requested.emit(parts.tried.rows.values[row].id))
        parts.cancel.clicked.connect(self.cancel_requested)
        parts.given.sound_bar.play_wanted.connect(self.play_wanted)
        parts.given.sound_bar.stop_wanted.connect(self.stop_wanted)
        items = (
            parts.answers, parts.problem, parts.use_here, parts.examples_card, parts.tried_card, self.service.card()
        )  # fmt: skip
        self._fill("full", parts.head, *items)
        self._use_room()
        self.show_opening()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show larger pictures in a large window."""
        super().resizeEvent(event)
        self._use_room()

    def _use_room(self) -> None:
        if self._parts is not None:
            spare_px = max(0, self.height() - USUAL_PAGE_PX)
            self._parts.given.setMinimumHeight(LEAST_HEIGHT_PX + round(spare_px * ANSWERS_SHARE))
            self._parts.strip.set_large(self.height() >= LARGE_PAGE_PX)

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        return (
            PrimaryButton(self.theme, _("Load again"), "arrow-clockwise", on=self.reload_requested),
            GhostButton(self.theme, _("Back to Compare"), "chart-bar", on=self._to("compare")),
        )

    def show_error(self, value: ErrorValue, back_to: str = "") -> None:
        """Show that a version could not be loaded or that its process ended."""
        self._forget()
        super().show_error(value, back_to)

    def _forget(self) -> None:
        self._late.stop()
        self._parts = self._editor = None

    # -- inputs and results --
    def set_texts(self, title: str, subtitle: str) -> None:
        """Set another headline."""
        if self._parts is not None:
            self._parts.head.set_texts(title, subtitle)

    def show_opening(self) -> None:
        """Show that both versions are being loaded; earlier predictions stay."""
        self._each(lambda card: card.show_message(_("Loading…"), is_busy=True))

    def show_ready(self) -> None:
        """Show that both versions are loaded and nothing was tried yet."""
        self._each(lambda card: card.show_message(_("Waiting for an input.")))

    def show_working(self) -> None:
        """Show later that a request runs, if it takes longer."""
        if not self._late.isActive():
            self._late.start()

    def show_input(self, value: InputValue) -> None:
        """Show the current input."""
        if self._parts is not None:
            self._parts.given.show_value(value)

    def show_sound(self, state: SoundState) -> None:
        """Show the state of the loudspeaker."""
        if self._parts is not None:
            self._parts.given.sound_bar.show_state(state)

    def show_answers(self, before: TryAnswer, after: TryAnswer) -> None:
        """Show both predictions."""
        self._late.stop()
        if self._parts is not None:
            self._parts.problem.hide()
            self._parts.cancel.hide()
            self._parts.before.show_answer(before, is_compared=False)
            self._parts.after.show_answer(after, is_compared=True)

    def show_problem(self, value: ErrorValue, given: InputValue) -> None:
        """Show that this input has no prediction; others may work."""
        self._late.stop()
        parts = self._parts
        if parts is None:
            return
        parts.cancel.hide()
        parts.given.show_value(given)
        self._each(lambda card: card.show_message(_("No answer to this input.")))
        parts.show_problem(ErrorCard(self.theme, value))

    def show_examples(self, values: Sequence[ExampleValue]) -> None:
        """Show test examples to click."""
        if self._parts is not None:
            self._parts.strip.show_values(values)
            self._use_room()
            self._parts.examples_card.setVisible(bool(values))
            self._parts.changed.setVisible(any(value.changed for value in values))

    def show_tried(self, values: Sequence[TriedValue]) -> None:
        """Show the earlier inputs, the newest first."""
        if self._parts is not None and self._value is not None:
            self._parts.tried.show_values(values)
            self._parts.tried_card.setVisible(bool(values))
            self._parts.count.setText(self._counted(values, self._value.kind))

    def type_text(self, text: str) -> None:
        """Try a text that was dropped or pasted."""
        if self._editor is not None:
            self._editor.setPlainText(text)
            self._editor.settle()

    def choose_files(self) -> bool:
        """Open the dialog for a file to try, if a version can be tried."""
        if self._value is None or self.state != "full":
            return False
        self.choose_file()
        return True

    def choose_file(self) -> None:
        """Open the system's dialog for a file."""
        kind = self._value.kind if self._value is not None else "images"
        self._ask_file(_("Choose something to try"), try_words(kind).file_kinds, self.path_chosen)

    def _counted(self, values: Sequence[TriedValue], kind: DataKind) -> str:
        report = counted(kind, len(values))
        judged = [value for value in values if value.same is not None]
        if not judged:
            return report
        same = sum(bool(value.same) for value in judged)
        text = _("{0}, {1:,} same answer") if same == 1 else _("{0}, {1:,} same answers")
        return text.format(report, same)

    def _each(self, do: Callable[[AnswerCard], None]) -> None:
        if self._parts is not None:
            for card in (self._parts.before, self._parts.after):
                do(card)

    def _on_late(self) -> None:
        if self._parts is not None:
            self._parts.cancel.show()
            self._each(lambda card: card.set_busy(True))
