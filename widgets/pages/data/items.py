"""Show all examples on the page Data with buttons to edit them; the files stay unchanged."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QWidget

from widgets.pages.data.grid import CAPTION_PX, ROW_PX, SIDE_PX, ItemsView, ItemValue
from widgets.parts.buttons import GhostButton, Slot, TextButton
from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField
from widgets.parts.layout import fill, held, in_column, in_flow
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.translation import _

ROWS_SHOWN, LINES_SHOWN, FEWEST_IN_A_ROW, MOST_LABELS = 4, 12, 4, 2000


class ItemsCard(Card):
    """The card of the examples; `edited(name, sources, label)` requests an edit of the selection.

    The names are leave_out, put_back, test, calibration and relabel.
    """

    edited = Signal(str, object, str)

    def __init__(
        self, theme: Theme, items: Sequence[ItemValue], on_undo: Slot, on_redo: Slot, *, pictures: bool, chunk: int
    ) -> None:
        """Create the card of `items`; thumbnails arrive `chunk` at a time."""
        super().__init__(name=_("Examples"), gap=SPACE_M)
        self._theme, self._items = theme, tuple(items)
        self._labels: tuple[str, ...] = ()
        self.title_row.setSpacing(SPACE_S)
        self._undo = TextButton(theme, _("Undo"), "arrow-counter-clockwise", on=on_undo)
        self._redo = TextButton(theme, _("Redo"), "arrow-clockwise", on=on_redo)
        kinds = sorted({item.label for item in items if item.label})
        options = [(_("All kinds"), ""), *((name[:60], name) for name in kinds[:MOST_LABELS])]
        self._kinds = ChoiceField(_("Displayed kinds"), options, small=True, elastic=True)
        self._kinds.setMaximumWidth(200)
        self._kinds.setMinimumContentsLength(len(options[0][0]) + 2)  # long labels leave the title its room
        title = words(_("Examples"), "section", wrap=False)
        fill(self.title_row, (title, 1), self._undo, self._redo, self._kinds)
        self.add(self.title_row)
        self._kinds.setVisible(len(kinds) > 1)
        self.view = ItemsView(theme, pictures=pictures)
        self.view.setMinimumHeight(_height_px(len(items), pictures=pictures))
        self.view.items.show_items(items, chunk)
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.acted.connect(self._act)
        self._kinds.currentIndexChanged.connect(self._on_kind)
        self.add(self.view, self._action_row())
        self.show_history(can_undo=False, can_redo=False)
        self._on_selection()
        for keys, button in ((QKeySequence.StandardKey.Undo, self._undo), (QKeySequence.StandardKey.Redo, self._redo)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(button.click)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the available height, but no more than all examples need."""
        super().resizeEvent(event)
        self.view.setMaximumHeight(max(self.view.minimumHeight(), self.view.whole_px(self.view.width())))
        frame_px = self.box.totalMinimumHeightForWidth(self.width()) - self.view.minimumHeight()
        self.setMaximumHeight(frame_px + self.view.maximumHeight())

    def show_items(self, items: Sequence[ItemValue]) -> None:
        """Update labels and marks of the same examples."""
        self._items = tuple(items)
        self.view.items.mark(items)
        self._on_selection()

    def show_history(self, *, can_undo: bool, can_redo: bool) -> None:
        """Show whether an edit can be undone or redone."""
        for button, can in ((self._undo, can_undo), (self._redo, can_redo)):
            button.setVisible(can)
            button.setEnabled(can)  # its keys work while it is enabled

    def offer_labels(self, labels: Sequence[str]) -> None:
        """Set the labels that an example can get."""
        self._labels = tuple(labels)[:MOST_LABELS]
        self._on_selection()

    def _action_row(self) -> QWidget:
        self._selection = words("", "caption")
        texts = {
            "leave_out": _("Leave out"),
            "put_back": _("Put back"),
            "calibration": _("To calibration"),
            "test": _("To the test"),
            "relabel": _("Relabel…"),
        }
        self._buttons = {name: GhostButton(self._theme, text, size="small") for name, text in texts.items()}
        for name, button in self._buttons.items():
            button.clicked.connect(lambda _checked=False, name=name: self._act(name))
        return held(in_column(self._selection, in_flow(*self._buttons.values())))

    def _on_selection(self, *_args: object) -> None:
        sources = set(self.view.chosen())
        chosen = [item for item in self._items if item.source in sources] if sources else []
        there = [item for item in chosen if item.mark != "left_out"]
        for name, is_shown in (
            ("leave_out", bool(there)),
            ("put_back", len(there) < len(chosen)),
            ("calibration", any(item.part == "test" for item in there)),
            ("test", any(item.part == "calibration" for item in there)),
            ("relabel", bool(there) and bool(self._labels)),
        ):
            self._buttons[name].setVisible(is_shown)
        hint = _("Click examples to choose them, then leave them out or change them. Your files stay as they are.")
        self._selection.setText(_("{0:,} chosen").format(len(chosen)) if chosen else hint)

    def _on_kind(self, _index: int) -> None:
        self.view.items.show_label(str(self._kinds.currentData() or ""))
        self._on_selection()

    def _act(self, name: str) -> None:
        sources = self.view.chosen()
        if not sources:
            return
        if name == "relabel":
            self.ask_label(sources)
        else:
            self.edited.emit(name, sources, "")

    def ask_label(self, sources: Sequence[str]) -> QuestionDialog:
        """Ask for the label of the selected examples."""
        dialog = LabelDialog(self._theme, self._labels, len(sources), self.window())
        dialog.labelled.connect(lambda label: self.edited.emit("relabel", tuple(sources), label))
        dialog.open()
        return dialog


def _height_px(count: int, *, pictures: bool) -> int:
    """Return a height in pixels for all rows, limited to leave room for the rest of the page."""
    if not pictures:
        return min(LINES_SHOWN, max(1, count)) * ROW_PX + SPACE_S
    rows = min(ROWS_SHOWN, -(-max(1, count) // FEWEST_IN_A_ROW))
    return rows * (SIDE_PX + CAPTION_PX + SPACE_S) + SPACE_S


class LabelDialog(QuestionDialog):
    """A dialog that requests a label; it emits `labelled(name)`."""

    labelled = Signal(str)

    def __init__(self, theme: Theme, labels: Sequence[str], count: int, parent: QWidget | None) -> None:
        """Create the dialog for `count` examples with these labels."""
        title = _("What do these {0:,} show?").format(count) if count > 1 else _("What does it show?")
        super().__init__(
            theme,
            QuestionValue(
                title=title,
                text=_("The label is kept in this project; your files stay as they are. It can be undone."),
                answers=(Answer("no", _("Cancel")), Answer("use", _("Use this label"), primary=True)),
            ),
            parent,
        )
        self._box = ChoiceField(_("Label"), [(name[:80], name) for name in labels], elastic=True)
        self.body.addWidget(self._box)

    def _choose(self, answer: str) -> None:
        if answer == "use" and self._box.currentData():
            self.labelled.emit(str(self._box.currentData()))
        super()._choose(answer)
