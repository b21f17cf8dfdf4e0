"""Labels by role. All of them show plain text, whatever the text holds."""

from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from widgets.parts.explained import ExplainedLabel
from widgets.parts.format import visible

Role = Literal["", "headline", "section", "strong", "soft", "caption", "figure", "code", "mono"]
Tone = Literal["", "ok", "warn", "bad", "brand", "soft"]


class PlainLabel(QLabel):
    """Shows control letters of foreign text instead of obeying them."""

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(visible(text))


def label(text: str, role: Role = "", tone: Tone = "", *, wrap: bool = True, select: bool = False) -> QLabel:
    """A plain-text label. `select` lets people copy the text by mouse and keys."""
    made = PlainLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    made.setWordWrap(wrap)
    _dress(made, role, tone)
    if select:
        flags = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        made.setTextInteractionFlags(flags)
        made.setAccessibleName(text)
    return made


class WholeLabel(PlainLabel):
    """Wrapped text of which no line is cut where its card is low: its least height is what it takes at its width."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        _dress(self, "", "")

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines are broken elsewhere."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


def words(text: str, role: Role = "", tone: Tone = "", *, wrap: bool = True) -> ExplainedLabel:
    """A plain-text label whose field terms explain themselves on hover."""
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
    """One line that is cut with an ellipsis where it does not fit; the whole text is its tooltip."""

    def __init__(
        self,
        text: str = "",
        role: Role = "",
        tone: Tone = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        _dress(self, role, tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(visible(text))
        self.setAccessibleName(text)
        self._tell()

    def _tell(self) -> None:
        # "plain text" tooltips are guessed to be HTML by Qt when they begin with a tag
        whole = self.text() if self.fontMetrics().horizontalAdvance(self.text()) > self.width() else ""
        self.setToolTip(plain_tip(whole))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The tooltip is only there when something is cut."""
        super().resizeEvent(event)
        self._tell()

    def minimumSizeHint(self) -> QSize:
        """May shrink to a few letters."""
        hint = super().sizeHint()
        return QSize(min(hint.width(), 48), hint.height())

    def sizeHint(self) -> QSize:
        """The whole line."""
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self.text()) + 2, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much as fits."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        box = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text().replace("\n", " "), self._mode, box.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | self.alignment()), text)
        painter.end()


def plain_tip(text: str) -> str:
    """A tooltip that shows foreign text as it stands: escaped and marked as such, never read as HTML."""
    if not text:
        return ""
    safe = text[:4000].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f"<p style='margin:0'>{safe}</p>"
