"""Show markdown of unknown origin: no HTML, no loaded resources, no link followed without a question."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import (
    QBrush,
    QFont,
    QImage,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser

from widgets.parts.format import sized
from widgets.theme import Theme

MAX_BYTES = 120_000
MAX_LINE_BYTES = 2_000
MAX_LINES = 2_000
MAX_CELLS = 1_500
MAX_SOFT_CELLS = 400
"""Limits of a shown text. Beyond them a window would freeze for more than a fifth of a second.

Measured on two slow cores: 50,000 list items took minutes, a table of 500 rows 20 s.
"""

PICTURE_PX = 680
"""Widest picture that comes with a text: it fits the smallest window."""
NO_PICTURES: Mapping[str, bytes] = MappingProxyType({})


def bounded(markdown: str) -> str:
    """Return as much of a text as is shown, limited by bytes, lines and table cells; the rest becomes “…”."""
    lines: list[str] = []
    total = cells = 0
    for line in markdown.splitlines():
        short = line.encode("utf-8", "replace")[:MAX_LINE_BYTES].decode("utf-8", "ignore")
        total += len(short.encode("utf-8")) + 1
        cells += short.count("|")
        if total > MAX_BYTES or cells > MAX_CELLS or len(lines) == MAX_LINES:
            lines += ["", "…"]
            break
        lines.append(short)
    return "\n".join(lines)


class MarkdownView(QTextBrowser):
    """A view of markdown; `link_clicked(address)` asks the window to confirm the whole address before it opens."""

    link_clicked = Signal(str)

    def __init__(self, theme: Theme, name: str) -> None:
        """Create an empty view; `name` is its accessible name."""
        super().__init__()
        self._theme = theme
        self.setAccessibleName(name)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setAcceptDrops(False)
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "document")
        self.setUndoRedoEnabled(False)
        self.anchorClicked.connect(self._on_anchor_clicked)
        self._markdown = ""
        self._pictures = NO_PICTURES
        self._nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
        self._nothing.fill(Qt.GlobalColor.transparent)
        theme.changed.connect(self._on_theme_changed)

    def show_markdown(self, markdown: str, pictures: Mapping[str, bytes] = NO_PICTURES) -> None:
        """Show a text without scrolling away from the current position."""
        safe = bounded(markdown)
        if safe == self._markdown:
            return
        self._markdown, self._pictures = safe, pictures
        self._render()

    def _render(self) -> None:
        place = self.verticalScrollBar().value()
        document = self.document()
        document.setDefaultFont(self.font())
        document.setDocumentMargin(0)
        features = QTextDocument.MarkdownFeature
        document.setMarkdown(self._markdown, features.MarkdownNoHTML | features.MarkdownDialectGitHub)
        self._soften()
        self.setTextCursor(QTextCursor(document))
        self.verticalScrollBar().setValue(place)

    def _soften(self) -> None:
        """Make headings smaller than Qt's, add room between paragraphs, and reduce tables to lines between rows."""
        document = self.document()
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        block = document.begin()
        while block.isValid():
            self._soften_block(cursor, block)
            block = block.next()
        for frame in document.rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                self._soften_table(frame)
        cursor.endEditBlock()  # one layout for all changes instead of one per cell

    def _soften_block(self, cursor: QTextCursor, block: QTextBlock) -> None:
        level = block.blockFormat().headingLevel()
        cursor.setPosition(block.position())
        form = QTextBlockFormat()
        form.setTopMargin((0 if block.position() == 0 else 10) if level else 0)
        form.setBottomMargin(2 if level else 0 if cursor.currentTable() else 4)
        cursor.mergeBlockFormat(form)
        if not level:
            return
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        letters = QTextCharFormat()
        letters.setFont(sized(self.font(), {1: 18}.get(level, 13), QFont.Weight.DemiBold))
        cursor.setCharFormat(letters)

    def _soften_table(self, table: QTextTable) -> None:
        form = table.format()
        form.setBorder(0)
        form.setBorderCollapse(True)
        form.setCellPadding(4)
        form.setCellSpacing(0)
        form.setTopMargin(2)
        form.setBottomMargin(4)
        form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        table.setFormat(form)
        if table.rows() * table.columns() > MAX_SOFT_CELLS:
            return
        line = QBrush(self._theme.color("line"))
        for row in range(table.rows()):
            for column in range(table.columns()):
                cell = table.cellAt(row, column)
                look = cell.format().toTableCellFormat()
                look.setBottomBorder(1 if row < table.rows() - 1 else 0)
                look.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                look.setBottomBorderBrush(line)
                cell.setFormat(look)

    def loadResource(self, _kind: int, name: QUrl | str) -> Any:
        """Return a picture that came with the text; nothing is ever loaded, neither from disk nor from a network.

        After an empty return value Qt would read local files itself, first in QTextDocument, then in the painter of
        pictures. So every return value is a picture of one transparent pixel.
        """
        data = self._pictures.get(name.toString() if isinstance(name, QUrl) else name)
        if data is None:
            return self._nothing
        ratio = self.devicePixelRatioF()
        picture = QImage.fromData(data)
        wide = round(min(picture.width(), PICTURE_PX) * ratio)
        picture = picture.scaledToWidth(wide, Qt.TransformationMode.SmoothTransformation)
        picture.setDevicePixelRatio(ratio)
        return picture

    def _on_anchor_clicked(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            self.link_clicked.emit(url.toString())

    def _on_theme_changed(self) -> None:
        if self._markdown:
            self._render()
