"""Define the parts of the page "Try it": the input, and a card for each version's prediction."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from widgets.pages.try_it.answers import Rows, details_of, title_of
from widgets.pages.try_it.value import InputValue
from widgets.parts.card import Card, Square, centered
from widgets.parts.format import UNKNOWN, ms, percent, sized, tabular, visible
from widgets.parts.input_view import InputView
from widgets.parts.layout import CENTER, STRETCH, fill, in_column, in_row
from widgets.parts.pictures import PictureStore
from widgets.parts.small import Bar
from widgets.parts.sound_bar import SoundBar
from widgets.parts.text import ElidedLabel, Tone, label, show_text, words
from widgets.theme import Theme, restyle
from widgets.timers import pause
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, TEXT_HEADLINE
from workers.contracts.after.trying import TryAnswer
from workers.contracts.translation import _, joined

LEAST_HEIGHT_PX, BELOW_PX, DEBOUNCE_MS = 240, 28, 300
ROWS = 3


class ShareRow(QWidget):
    """A name with its share at the right and a bar below."""

    def __init__(self, tone: Tone) -> None:
        """Create an empty row; `tone` colors the bar."""
        super().__init__()
        self._name = ElidedLabel()
        self._share = label("", wrap=False)
        self._share.setFont(tabular(self._share.font()))
        self._bar = Bar("", tone)
        in_column(in_row((self._name, 1), self._share), self._bar, gap=SPACE_XS, parent=self)

    def show_share(self, name: str, share: float, *, is_first: bool) -> None:
        """Show another name and share; the first row is emphasized."""
        self._name.setText(name)
        self._share.setText(percent(share))
        for part in (self._name, self._share):
            restyle(part, role="" if is_first else "soft")
        self._bar.set_share(share)
        self._bar.setAccessibleName(f"{name}: {percent(share)}")


class AnswerCard(Card):
    """The card of one version: name, size, prediction, latency and confidence; `chosen` marks the optimized one."""

    def __init__(self, title: str, below: QWidget, *, chosen: bool = False) -> None:
        """Create an empty card; `below` is the widget below its title."""
        edge = SPACE_L - 1 if chosen else SPACE_L  # the thicker border takes its room from the margin
        super().__init__(name=title, edge=edge)
        self.setProperty("chosen", chosen)
        self.setMinimumHeight(LEAST_HEIGHT_PX)
        self.size_label = label("", "soft", wrap=False)
        top = in_row((label(title, "section"), 1), self.size_label, gap=None)
        holder = QWidget()  # a fixed height aligns the lines of both cards
        holder.setFixedHeight(BELOW_PX)
        in_column(below, gap=None, parent=holder)
        head = in_column(top, holder, gap=0)
        self._answer = ElidedLabel("", "headline")
        self._time = label("", "headline", wrap=False)
        self._time.setFont(tabular(self._time.font()))
        line = in_row((self._answer, 1), self._time, gap=SPACE_M)
        self._about = words("", "caption")
        self._rows = [ShareRow("" if chosen else "soft") for _unused in range(ROWS)]
        self._note = words("", "soft")
        self._busy = Bar(_("Progress"))
        self.add(head, line, self._about, *self._rows, self._note, STRETCH, self._busy)
        keep = self._busy.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._busy.setSizePolicy(keep)
        self._busy.set_share(None)
        self.show_message("")

    def show_message(self, text: str, *, is_busy: bool = False) -> None:
        """Show why there is no prediction yet."""
        self._show("", "", "", (), text)
        self.set_busy(is_busy)

    def show_answer(self, answer: TryAnswer, *, is_compared: bool) -> None:
        """Show the prediction; `is_compared` marks the version that is compared with the original."""
        self._show(title_of(answer), ms(answer.latency_ms), *details_of(answer, is_compared=is_compared))
        self.set_busy(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use a smaller font for a long prediction in a narrow card."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        font = sized(self._answer.font(), TEXT_HEADLINE, QFont.Weight.DemiBold)
        room = self.width() - 2 * SPACE_L - SPACE_M - self._time.sizeHint().width()
        role = "headline" if QFontMetrics(font).horizontalAdvance(self._answer.text()) <= room else "section"
        if self._answer.property("role") != role:
            restyle(self._answer, role=role)

    def set_busy(self, is_busy: bool) -> None:
        """Show whether a request runs; the previous prediction stays meanwhile."""
        self._busy.setVisible(is_busy)

    def _show(self, answer: str, time: str, about: str, rows: Rows, note: str) -> None:
        self._answer.setText(answer)
        self._time.setText(time)
        self._fit()
        self.setAccessibleDescription(visible(joined((answer, time, note), ", ")))
        for part, text in ((self._answer, answer), (self._time, time), (self._about, about), (self._note, note)):
            show_text(part, text)
        for number, row in enumerate(self._rows):
            row.setVisible(number < len(rows))
            if number < len(rows):
                row.show_share(*rows[number], is_first=number == 0)


class TextInput(QPlainTextEdit):
    """A field for a text to try; drops go to the window, and Tab leaves it. `settled(text)` follows typing."""

    settled = Signal(str)

    def __init__(self, name: str, hint: str) -> None:
        """Create an empty field; `name` is its accessible name."""
        super().__init__()
        self.setAccessibleName(visible(name))
        self.setPlaceholderText(hint)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.setMinimumHeight(120)
        self._pause = pause(self, DEBOUNCE_MS, self.settle)
        self.textChanged.connect(self._pause.start)

    def settle(self) -> None:
        """Emit the text now, unless it is blank."""
        self._pause.stop()
        text = self.toPlainText()
        if text.strip():
            self.settled.emit(text)


class InputCard(QFrame):
    """The drop area for the input, which shows the current one; `sound_bar` plays its sound."""

    def __init__(self, theme: Theme, store: PictureStore, title: str, hint: str, editor: TextInput | None) -> None:
        """Create the card; `editor` is the field of a model that takes texts."""
        super().__init__()
        self.setProperty("kind", "drop")
        self.setMinimumHeight(LEAST_HEIGHT_PX)
        self.setAccessibleName(visible(title))
        self.setAccessibleDescription(visible(hint))
        self._editor = editor
        self._empty = QWidget()
        icon = (Square(theme, "upload-simple"), CENTER), SPACE_S
        in_column(STRETCH, *icon, *centered(title, hint), STRETCH, gap=SPACE_XS, parent=self._empty)
        self._view = InputView(theme, store)
        self._caption = ElidedLabel("", "caption", mode=Qt.TextElideMode.ElideMiddle)
        self._caption.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
        self.box = in_column(
            *((part, 1) for part in (self._empty, *([editor] if editor is not None else []), self._view)),
            edges=(SPACE_L, SPACE_L, SPACE_L, SPACE_M),
            parent=self,
        )
        self.sound_bar = SoundBar(theme)
        self.sound_bar.hide()
        fill(self.box, self.sound_bar, self._caption)
        self._view.hide()
        self._empty.setVisible(editor is None)
        self._caption.setText("" if editor is None else hint)

    def show_value(self, value: InputValue) -> None:
        """Show the current input; a text that the user types is not overwritten while it is the same."""
        has_view = value.picture.is_picture or bool(value.levels)
        if self._editor is not None and value.picture.text and self._editor.toPlainText() != value.picture.text:
            blocked = self._editor.blockSignals(True)
            self._editor.setPlainText(value.picture.text)
            self._editor.blockSignals(blocked)
        self._view.show_value(value.picture, value.levels, value.caption)
        self._view.setVisible(has_view)
        self._empty.setVisible(self._editor is None and not has_view)
        if value.sound != self.sound_bar.sound:
            self.sound_bar.stop_wanted.emit()
            self.sound_bar.show_state("idle")
        self.sound_bar.show_sound(value.sound)
        self._caption.setText(value.caption or UNKNOWN)
