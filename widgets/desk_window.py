"""Show the small window of a shortcut: drop a file on it or type a text, and see the answer."""

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QWidget

from widgets import drops
from widgets.pages.try_it.cards import AnswerCard, InputCard, TextInput
from widgets.pages.try_it.layout import text_input, try_words
from widgets.pages.try_it.value import InputValue
from widgets.parts.buttons import GhostButton
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.layout import TOP, clear, in_column, in_row
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureStore
from widgets.parts.text import ElidedLabel, label
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.after.trying import TryAnswer
from workers.contracts.translation import _

SIZE_PX, LEAST_PX = (760, 460), (420, 420)


class DeskWindow(QWidget):
    """The small window; emits `incoming(Incoming)` for drops and pastes, and `text_typed(text)`."""

    incoming = Signal(object)
    text_typed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the window without a version; it accepts drops once `show_version` was called."""
        super().__init__()
        self._theme, self._store = theme, PictureStore(self)
        self._editor: TextInput | None = None
        self._given: InputCard | None = None
        self._answer = AnswerCard(_("Answer"), label(""), chosen=True)
        self.setProperty("kind", "page")
        self.setWindowTitle("Fettle")
        self.resize(*SIZE_PX)
        self.setMinimumSize(*LEAST_PX)
        self._title = ElidedLabel("Fettle", "headline")
        self._below = label("", "soft")
        self._choose = GhostButton(theme, _("Choose a file…"), "folder-open", on=self._on_choose)
        self._choose.hide()
        self._cards = in_row(gap=SPACE_L)
        head = in_row((in_column(self._title, self._below, gap=0), 1), self._choose, gap=SPACE_M)
        edges = (SPACE_L, SPACE_L, SPACE_L, SPACE_L)
        in_column(head, (self._cards, 1), gap=SPACE_M, edges=edges, parent=self)
        QShortcut(QKeySequence.StandardKey.Paste, self, lambda: self._take(QGuiApplication.clipboard().mimeData()))

    def show_version(self, kind: DataKind, name: str, version: str, row: Sequence[str] = ()) -> None:
        """Show the empty cards for this kind of input.

        Args:
            kind: Kind of input.
            name: Name of the project.
            version: Title of the version.
            row: Columns of a row of numbers that can be typed.
        """
        self.setWindowTitle(name)
        self._title.setText(name)
        texts = try_words(kind, row)
        self._kinds = texts.file_kinds
        self._editor = text_input(kind, row)
        if self._editor is not None:
            self._editor.settled.connect(self.text_typed)
        hint = _("or choose one above") if self._editor is None else _("The answer comes while you type.")
        self._given = InputCard(self._theme, self._store, texts.drop_title, hint, self._editor)
        self._answer = AnswerCard(_("Answer"), ElidedLabel(version, "soft"), chosen=True)
        clear(self._cards)
        self._cards.addWidget(self._given, 1)
        self._cards.addWidget(self._answer, 1)
        self._below.setText(_("It runs on this computer, in the sandbox. Nothing is sent."))
        self._choose.show()
        self.setAcceptDrops(True)
        self._answer.show_message(_("Loading…"), is_busy=True)

    def show_message(self, text: str, *, is_busy: bool = False) -> None:
        """Show in the answer's place what is going on."""
        self._answer.show_message(text, is_busy=is_busy)

    def show_answer(self, given: InputValue, answer: TryAnswer) -> None:
        """Show an input and its answer."""
        if self._given is not None:
            self._given.show_value(given)
        self._answer.show_answer(answer, is_compared=False)

    def show_refusal(self, given: InputValue, reason: str) -> None:
        """Show in the answer's place why this input has none; others may have one."""
        if self._given is not None:
            self._given.show_value(given)
        self._answer.show_message(reason)

    def show_problem(self, value: ErrorValue) -> None:
        """Show in place of the cards why nothing can be answered now."""
        clear(self._cards)
        self._given = self._editor = None
        self._cards.addWidget(ErrorCard(self._theme, value), 1, TOP)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a drag with usable content."""
        drops.let_drops_through(self)
        if drops.can_take(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Accept the drop and pass its content on after the source has received its reply."""
        event.acceptProposedAction()
        taken = drops.read(event.mimeData())
        QTimer.singleShot(0, self, lambda: self.incoming.emit(taken))

    def type_text(self, text: str) -> None:
        """Show a dropped or pasted text in the field for texts."""
        if self._editor is not None:
            self._editor.setPlainText(text)

    def _take(self, mime: QMimeData | None) -> None:
        if mime is not None and drops.can_take(mime):
            self.incoming.emit(drops.read(mime))

    def _on_choose(self) -> None:
        path = QFileDialog.getOpenFileName(self, _("Choose something to answer"), "", self._kinds)[0]
        if path:
            self.incoming.emit(drops.Incoming((path,)))
