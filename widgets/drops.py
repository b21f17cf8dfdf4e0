"""Sort dropped and pasted content into local files, other addresses, text and pictures."""

from dataclasses import dataclass

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from widgets.icons import IconLabel
from widgets.parts.layout import CENTER, STRETCH, in_column
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.tokens import RADIUS_CARD
from workers.contracts.translation import _

_MAX_TEXT_CHARS = 1_000_000


@dataclass(frozen=True)
class Incoming:
    """Dropped or pasted content: local paths, links to other places, or a text.

    The text that comes along with files is left out. `picture` has no file, because it was copied from another program;
    its address may come along as a link. Paths are as `workers.contracts.paths.to_text` writes them.
    """

    paths: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    text: str = ""
    picture: QImage | None = None


def can_take(mime: QMimeData) -> bool:
    """Return whether the content has anything that the window can use."""
    return mime.hasUrls() or mime.hasText() or mime.hasImage()


def read(mime: QMimeData) -> Incoming:
    """Sort dropped or pasted content."""
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
    """Return the path, or the encoded address if the name has bytes that are no text (see `from_text`).

    Qt cannot represent such a name as a path.
    """
    path = url.toLocalFile()
    return url.toString(QUrl.ComponentFormattingOption.FullyEncoded) if "\ufffd" in path else path


def let_drops_through(page: QWidget) -> None:
    """Stop text fields from accepting dropped files, which they would show as addresses."""
    for kind in (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox):
        for field in page.findChildren(kind):
            field.setAcceptDrops(False)


class DropVeil(QWidget):
    """A veil over the page while something is dragged over the window, which owns it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        """Create a hidden veil."""
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        title = label(_("Drop it here"), "section", wrap=False)
        text = label(_("A model, your data, or a folder of either"), "soft", wrap=False)
        parts = ((part, CENTER) for part in (IconLabel(theme, "download-simple", "brand", 32), title, text))
        in_column(STRETCH, *parts, STRETCH, parent=self)
        self.hide()

    def cover(self, area: QWidget) -> None:
        """Cover `area`, which is a sibling widget."""
        self.setGeometry(area.geometry())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a nearly opaque ground with a dashed edge."""
        painter = QPainter(self)
        ground = self._theme.color("brand-soft")
        ground.setAlpha(250)
        painter.fillRect(self.rect(), ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("brand"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(12, 12, -12, -12), RADIUS_CARD, RADIUS_CARD)
        painter.end()
