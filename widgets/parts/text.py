"""Create labels by role and texts to read; both show any text as plain text."""

import math
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QSizePolicy

from widgets.parts.explained import ExplainedLabel
from widgets.parts.format import visible

Role = Literal["", "headline", "section", "strong", "soft", "caption", "figure", "code", "mono"]
Tone = Literal["", "ok", "warn", "bad", "brand", "soft"]


class PlainLabel(QLabel):
    """A label that shows control characters of text of unknown origin instead of applying them."""

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(visible(text))


def label(text: str, role: Role = "", tone: Tone = "", *, wrap: bool = True, select: bool = False) -> QLabel:
    """Return a plain-text label; `select` lets users copy the text by mouse and keys."""
    made = PlainLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    made.setWordWrap(wrap)
    _dress(made, role, tone)
    if select:
        flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        made.setTextInteractionFlags(flags)
        made.setAccessibleName(visible(text))
    return made


class WholeLabel(PlainLabel):
    """A wrapped text of which no line is cut in a low card: its least height is the height at its width."""

    def __init__(self) -> None:
        """Create an empty label."""
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        _dress(self, "", "")

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the least height, because the lines break elsewhere."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


def words(text: str, role: Role = "", tone: Tone = "", *, wrap: bool = True) -> ExplainedLabel:
    """Return a plain-text label that explains its technical terms on hover."""
    made = ExplainedLabel(text)
    made.setWordWrap(wrap)
    _dress(made, role, tone)
    return made


def _dress(made: QLabel, role: Role, tone: Tone) -> None:
    if role:
        made.setProperty("role", role)
    if tone:
        made.setProperty("tone", tone)
    if made.wordWrap():
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        made.setSizePolicy(policy)
        made.setMinimumWidth(40)


class ElidedLabel(QLabel):
    """A line that is cut with an ellipsis if it does not fit; the whole text is then its tooltip."""

    def __init__(
        self,
        text: str = "",
        role: Role = "",
        tone: Tone = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        """Create a label with `text`."""
        super().__init__()
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        _dress(self, role, tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(visible(text))
        self.setAccessibleName(visible(text))
        self._update_text()

    def _update_text(self) -> None:
        # Qt takes "plain text" tooltips for HTML if they begin with a tag
        whole = self.text() if self.fontMetrics().horizontalAdvance(self.text()) > self.width() else ""
        self.setToolTip(plain_tip(whole))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set the tooltip only if the text is cut."""
        super().resizeEvent(event)
        self._update_text()

    def minimumSizeHint(self) -> QSize:
        """Return a width of a few letters, to which the label may shrink."""
        hint = super().sizeHint()
        return QSize(min(hint.width(), 48), hint.height())

    def sizeHint(self) -> QSize:
        """Return the size of the whole line."""
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self.text()) + 2, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as much text as fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        box = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text().replace("\n", " "), self._mode, box.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | self.alignment()), text)
        painter.end()


def plain_tip(text: str) -> str:
    """Return a tooltip that shows text of unknown origin literally: escaped, and never read as HTML."""
    if not text:
        return ""
    safe = f"{text}"[:4000].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f"<p style='margin:0'>{safe}</p>"


def show_text(shown: QLabel, text: str) -> None:
    """Show a text in a label, which is hidden without one."""
    shown.setText(text)
    shown.setVisible(bool(text))


EDGES_PX = 26


class LogText(QPlainTextEdit):
    """Read-only lines in the style of a log; `hint` is shown while there are none."""

    def __init__(self, name: str, text: str = "", hint: str = "") -> None:
        """Create the field; `name` is its accessible name."""
        super().__init__(text)
        self.setProperty("role", "log")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)


class ReadText(QPlainTextEdit):
    """A read-only text as high as its lines, with at most `most_lines`."""

    def __init__(self, name: str, most_lines: int) -> None:
        """Create an empty text; `name` is its accessible name."""
        super().__init__()
        self._most_lines, self._fitted_px = most_lines, 0
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.setAccessibleName(name)

    def show_text(self, text: str) -> None:
        """Show another text."""
        self.setPlainText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the height after a change of the width."""
        super().resizeEvent(event)
        if self.width() != self._fitted_px:
            self._fit()

    def _fit(self) -> None:
        self._fitted_px = self.width()
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it would reduce the width
        needed = max(1, round(self.document().size().height()))  # a plain text's document counts in lines
        if needed > self._most_lines:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        line_px = math.ceil(QFontMetricsF(self.font()).lineSpacing())
        self.setFixedHeight(min(needed, self._most_lines) * line_px + EDGES_PX)
