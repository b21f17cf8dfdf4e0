"""Shows markdown that somebody else may have written: no HTML, nothing loaded, no link followed unasked."""

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

from widgets.theme import Theme

MAX_BYTES = 120_000
MAX_LINE_BYTES = 2_000
MAX_LINES = 2_000
MAX_CELLS = 1_500
MAX_SOFT_CELLS = 400
"""What more than these would take freezes a window for more than the fifth of a second (measured on two slow cores):
50,000 items of a list took minutes, a table of 500 rows 20 s."""


def bounded(markdown: str) -> str:
    """As much of a foreign text as is shown: by bytes, by lines, and by cells of tables. The rest is cut with “…”."""
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
    """`link_clicked(address)` asks the window to confirm the whole address before anything is opened."""

    link_clicked = Signal(str)

    def __init__(self, theme: Theme, name: str) -> None:
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
        self._nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
        self._nothing.fill(Qt.GlobalColor.transparent)
        theme.changed.connect(self._on_theme_changed)

    def show_markdown(self, markdown: str) -> None:
        """Show a text; the place that was read stays in view."""
        safe = bounded(markdown)
        if safe == self._markdown:
            return
        self._markdown = safe
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
        """Smaller headings than Qt's own, room between paragraphs, tables with lines between rows only."""
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
        cursor.endEditBlock()  # the layout is made once, not anew for every cell

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
        font = QFont(self.font())
        font.setPixelSize({1: 18}.get(level, 13))
        font.setWeight(QFont.Weight.DemiBold)
        letters = QTextCharFormat()
        letters.setFont(font)
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

    def loadResource(self, _kind: int, _name: QUrl | str) -> Any:
        """Nothing is ever loaded, neither from disk nor from a network.

        An empty answer would not do: Qt then reads local files by itself, first in QTextDocument, then in the painter
        of pictures. So every answer is a picture of one clear dot.
        """
        return self._nothing

    def _on_anchor_clicked(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            self.link_clicked.emit(url.toString())

    def _on_theme_changed(self) -> None:
        if self._markdown:
            self._render()
