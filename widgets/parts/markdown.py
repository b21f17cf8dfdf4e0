"""Shows markdown that somebody else may have written: no HTML, nothing loaded, no link followed unasked."""

from typing import Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QPalette, QTextCursor, QTextDocument
from PySide6.QtWidgets import QFrame, QTextBrowser

from widgets.theme import Theme

MAX_BYTES = 200_000
MAX_LINE_BYTES = 2_000


def bounded(markdown: str) -> str:
    """At most 200 kB and 2 kB a line: longer ones freeze any text widget."""
    lines = []
    total = 0
    for line in markdown.splitlines():
        short = line.encode("utf-8", "replace")[:MAX_LINE_BYTES].decode("utf-8", "ignore")
        total += len(short.encode("utf-8")) + 1
        if total > MAX_BYTES:
            lines.append("…")
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
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "document")
        self.setUndoRedoEnabled(False)
        self.anchorClicked.connect(self._on_anchor_clicked)
        self._markdown = ""
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
        self.verticalScrollBar().setValue(place)

    def _soften(self) -> None:
        """Qt's headings are too large for a side card."""
        cursor = QTextCursor(self.document())
        block = self.document().begin()
        while block.isValid():
            level = block.blockFormat().headingLevel()
            if level:
                cursor.setPosition(block.position())
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                form = block.charFormat()
                font = self.font()
                font.setPixelSize({1: 18, 2: 14}.get(level, 13))
                font.setBold(True)
                form.setFont(font)
                cursor.mergeCharFormat(form)
            block = block.next()

    def loadResource(self, _kind: int, _name: QUrl | str) -> Any:
        """Nothing is ever loaded, neither from disk nor from a network."""
        return None

    def _on_anchor_clicked(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            self.link_clicked.emit(url.toString())

    def _on_theme_changed(self) -> None:
        if self._markdown:
            self.setPalette(QPalette())
            self._render()
