"""What comes in by drag or paste, sorted into files of this computer, other addresses, and text."""

from dataclasses import dataclass

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from widgets.icons import IconLabel
from widgets.theme import Theme
from widgets.tokens import RADIUS_CARD, SPACE_S

_MAX_TEXT_CHARS = 1_000_000


@dataclass(frozen=True)
class Incoming:
    """Paths of this computer, links that lead elsewhere, or a text; what files carry as text is left out.

    `picture` is one that has no file: copied out of another program. Its address may come along as a link.
    Paths are as `workers.contracts.paths.to_text` writes them.
    """

    paths: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    text: str = ""
    picture: QImage | None = None


def can_take(mime: QMimeData) -> bool:
    """Whether there is anything for us in it."""
    return mime.hasUrls() or mime.hasText() or mime.hasImage()


def read(mime: QMimeData) -> Incoming:
    """Sort what was dropped or pasted."""
    urls = mime.urls() if mime.hasUrls() else []
    paths = tuple(_path(url) for url in urls if url.isLocalFile())
    links = tuple(url.toString() for url in urls if not url.isLocalFile() and not url.isEmpty())
    picture = None if paths else _picture(mime)
    if paths or links:
        return Incoming(paths, links, picture=picture)
    return Incoming(text=mime.text()[:_MAX_TEXT_CHARS], picture=picture)


def _picture(mime: QMimeData) -> QImage | None:
    image = mime.imageData() if mime.hasImage() else None
    return image if isinstance(image, QImage) and not image.isNull() else None


def _path(url: QUrl) -> str:
    """The path; its address where the name holds bytes that are no text, which Qt cannot hand on (see `from_text`)."""
    path = url.toLocalFile()
    return url.toString(QUrl.ComponentFormattingOption.FullyEncoded) if "\ufffd" in path else path


def let_drops_through(page: QWidget) -> None:
    """Text fields would swallow dropped files and show their addresses instead."""
    for kind in (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox):
        for field in page.findChildren(kind):
            field.setAcceptDrops(False)


class DropVeil(QWidget):
    """Lies over the page while something is held over the window."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        title = QLabel(self.tr("Drop it here"))
        title.setProperty("role", "section")
        text = QLabel(self.tr("A model, your data, or a folder of either"))
        text.setProperty("role", "soft")
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE_S)
        layout.addStretch(1)
        for widget in (IconLabel(theme, "download-simple", "brand", 32), title, text):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        self.hide()

    def cover(self, area: QWidget) -> None:
        """Lie over `area`, a sibling."""
        self.setGeometry(area.geometry())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Nearly opaque, with a dashed edge."""
        painter = QPainter(self)
        ground = self._theme.color("brand-soft")
        ground.setAlpha(250)
        painter.fillRect(self.rect(), ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("brand"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(12, 12, -12, -12), RADIUS_CARD, RADIUS_CARD)
        painter.end()
