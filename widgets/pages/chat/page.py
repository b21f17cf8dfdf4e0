"""Show the page "Chat": a dialogue with the original and with a version side by side, word by word."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from widgets.pages.chat.value import Side, Versions
from widgets.pages.detail_page import DetailPage
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card
from widgets.parts.fields import DecimalField, TextField, WholeField
from widgets.parts.format import UNKNOWN, ms
from widgets.parts.layout import held, in_column, in_flow, in_row
from widgets.parts.marked import selection
from widgets.parts.small import PageHead
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.after.chatting import ChatMessage, ChatPiece, ChatRequest
from workers.contracts.translation import _, localized

LEAST_HEIGHT_PX, MAX_CHARS = 120, 20_000


class Transcript(QPlainTextEdit):
    """The text of a dialogue; in a low window it leaves the room for the field below."""

    def sizeHint(self) -> QSize:
        """Return the least height: the page stretches it."""
        return QSize(super().sizeHint().width(), LEAST_HEIGHT_PX)


class Talk(Card):
    """The dialogue with one version and the speed of its last reply; owned by the page."""

    def __init__(self, theme: Theme, title: str, *, chosen: bool = False) -> None:
        """Create an empty dialogue; `chosen` highlights its card."""
        super().__init__(name=title, edge=SPACE_L - 1 if chosen else SPACE_L)
        self._theme, self._answer_at, self._differs_at = theme, 0, None  # type: tuple[Theme, int, int | None]
        self.setProperty("chosen", chosen)
        self._transcript = Transcript()
        self._transcript.setReadOnly(True)
        self._transcript.setAcceptDrops(False)
        self._transcript.setAccessibleName(_("What was said with: {0}").format(title))
        self._transcript.setMinimumHeight(LEAST_HEIGHT_PX)
        self._speed = words("", "caption")
        self.add(label(title, "section"), (self._transcript, 1), self._speed)
        theme.changed.connect(self._mark)

    @property
    def text(self) -> str:
        """Return the whole dialogue as text."""
        return self._transcript.toPlainText()

    def write(self, text: str) -> None:
        """Append text and scroll to it."""
        cursor = self._transcript.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)
        self._transcript.setTextCursor(cursor)
        self._transcript.ensureCursorVisible()

    def begin_answer(self) -> None:
        """Start a reply, of which nothing is marked as different yet."""
        self._answer_at, self._differs_at = self._transcript.document().characterCount() - 1, None
        self._mark()

    def mark_from(self, at: int) -> None:
        """Mark the last reply from this character on, where it differs from the other version's."""
        self._differs_at = self._answer_at + at
        self._mark()

    def _mark(self) -> None:
        end = self._transcript.document().characterCount() - 1
        at = self._differs_at
        marked = [] if at is None or at >= end else [selection(self._transcript, self._theme, at, end)]
        self._transcript.setExtraSelections(marked)

    def clear(self) -> None:
        """Remove the dialogue."""
        self._transcript.clear()
        self._speed.setText("")
        self.begin_answer()

    def add_text(self, text: str) -> None:
        """Set the line below the dialogue."""
        self._speed.setText(text)


class ChatPage(DetailPage):
    """The page Chat; `said(text, ChatRequest)` sends a message to both versions.

    `stop_requested` ends the current reply and `new_requested` clears the dialogue. `version_chosen(id)` selects
    another version next to the original.
    """

    said = Signal(str, object)
    stop_requested = Signal()
    new_requested = Signal()

    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        nothing = (
            _("Nothing to chat with yet"),
            _("With a language model you can talk here to the original and to an optimized version."),
        )
        super().__init__(theme, _("Chat"), "chats", nothing)
        self._talks: dict[Side, Talk] = {}

    def show_value(self, value: tuple[Versions, str]) -> None:
        """Show both dialogues, empty, while the versions are loaded."""
        head = PageHead(
            _("Chat: both versions side by side"),
            _("The original answers first, then the optimized one, so that neither disturbs the other’s speed."),
            GhostButton(self.theme, _("New chat"), "plus", on=self._on_new),
            self._back(),
        )
        self._talks = {
            "original": Talk(self.theme, _("Original")),
            "optimized": Talk(self.theme, _("Optimized"), chosen=True),
        }
        row = in_row(*((talk, 1) for talk in self._talks.values()), gap=SPACE_L)
        self._difference = words("", "caption")
        self._fill("full", head, self._tools(value), (row, 1), self._difference, self._input())
        self.show_opening()

    def _tools(self, value: tuple[Versions, str]) -> QWidget:
        """Return the fields for version, sampling and system prompt."""
        self._temperature = DecimalField(_("Temperature"), 0.0, 2.0)
        self._temperature.setSingleStep(0.1)
        tip = _("0: always the most likely word. Above 0: words are drawn at random, with this seed.")
        self._temperature.setToolTip(tip)
        self._seed = WholeField(_("Seed"), 0, 999_999)
        self._longest = WholeField(_("Longest answer, tokens"), 1, 4096, ChatRequest().max_new_tokens)
        choices = in_flow(
            self._version_field(*value),
            *(_named(field) for field in (self._temperature, self._seed, self._longest)),
            gap=SPACE_M,
        )
        hint = _("Optional, for both sides. Such as: Answer in one sentence.")
        self._system = TextField("", _("Instructions (system prompt)"), hint, MAX_CHARS)
        return held(in_column(choices, _named(self._system)))

    def _input(self) -> QWidget:
        hint = _("Write something, and press Enter…")
        self._entry = TextField("", _("What you say"), hint, MAX_CHARS)
        self._entry.returnPressed.connect(self._on_send)
        self._send = PrimaryButton(self.theme, _("Send"), "paper-plane-right", on=self._on_send)
        self._stop = GhostButton(self.theme, _("Stop"), "stop", on=self.stop_requested)
        return held(in_row((self._entry, 1), self._send, self._stop))

    # -- replies --
    def show_opening(self) -> None:
        """Show that both versions are being loaded, so that nothing can be sent yet."""
        self._set_busy(is_loaded=False, is_answering=False)
        for talk in self._talks.values():
            talk.add_text(_("Loading…"))

    def show_ready(self) -> None:
        """Show that both versions wait for a message."""
        self._set_busy(is_loaded=True, is_answering=False)
        for talk in self._talks.values():
            talk.add_text("")
        if self._talks and self.isVisible():
            self._entry.setFocus(Qt.FocusReason.OtherFocusReason)

    def begin(self, text: str) -> None:
        """Show the user's message in both dialogues."""
        self._set_busy(is_loaded=True, is_answering=True)
        for talk in self._talks.values():
            before = "\n\n" if talk.text else ""
            talk.write(_("{0}You: {1}\n\n").format(before, text))
            talk.begin_answer()
            talk.add_text(_("Waiting for its turn"))
        self._difference.setText("")

    def write(self, side: Side, text: str) -> None:
        """Append a piece of a reply."""
        if side in self._talks:
            self._talks[side].write(text)

    def show_speed(self, side: Side, value: ChatPiece) -> None:
        """Show the speed of the current or finished reply."""
        if side not in self._talks:
            return
        if not value.tokens:
            self._talks[side].add_text(_("Stopped before the first word") if value.stopped else "")
            return
        first = UNKNOWN if value.first_ms is None else ms(value.first_ms)
        text = _("First token after {0}").format(first)
        if value.tokens_per_s is not None:
            text = _("{0} tokens a second, first one after {1}, {2:,} tokens")
            text = text.format(localized(value.tokens_per_s, ".1f"), first, value.tokens)
        self._talks[side].add_text(_("{0}, stopped").format(text) if value.stopped else text)

    def show_difference(self, at: int | None) -> None:
        """Mark both replies from the character `at` on; None means that they are equal."""
        if at is None:
            self._difference.setText(_("Both answers are identical."))
            return
        for talk in self._talks.values():
            talk.mark_from(at)
        report = _("The answers differ from the marked words on. Both may be right: read them.")
        self._difference.setText(report)

    def show_end(self, side: Side, value: ChatPiece) -> None:
        """Show that the user stopped this reply; a version that waited for it gets no request."""
        self.show_speed(side, value.model_copy(update={"stopped": True}))
        if side == "original" and "optimized" in self._talks:
            self._talks["optimized"].add_text(_("Not generated, because you stopped"))

    def end(self) -> None:
        """Show that both versions have replied."""
        self._set_busy(is_loaded=True, is_answering=False)
        if self._talks:
            self._entry.setFocus(Qt.FocusReason.OtherFocusReason)

    def _set_busy(self, *, is_loaded: bool, is_answering: bool) -> None:
        if self._talks:
            self._send.setEnabled(is_loaded and not is_answering)
            self._entry.setReadOnly(not is_loaded or is_answering)
            self._stop.setEnabled(is_answering)

    def _on_send(self) -> None:
        text = self._entry.text().strip()
        if text and self._send.isEnabled():
            self._entry.clear()
            system = self._system.text().strip()
            how = ChatRequest(
                messages=(ChatMessage(role="system", content=system),) if system else (),
                max_new_tokens=self._longest.value(),
                temperature=self._temperature.value(),
                seed=self._seed.value(),
            )
            self.said.emit(text, how)

    def _on_new(self) -> None:
        for talk in self._talks.values():
            talk.clear()
        self._difference.setText("")
        self.new_requested.emit()


def _named(field: QWidget) -> QWidget:
    """Return a field with its name in front."""
    return held(in_row(label(field.accessibleName(), "soft", wrap=False), (field, 1)))
