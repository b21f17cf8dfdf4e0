"""Show the chosen model: its facts, its files, its license, and one main button."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from widgets.pages.hub.gated import GatedSteps
from widgets.pages.hub.value import HubDetailValue
from widgets.parts.buttons import Button, FoldButton
from widgets.parts.card import Card
from widgets.parts.flow import bare
from widgets.parts.format import clipped, size_bytes
from widgets.parts.small import Bar, KeyValue
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_S
from workers.contracts.translation import _

WIDE_PX, NARROW_PX, NAME_PX = 304, 256, 72
MAX_FILES, MAX_NAME, MAX_VALUE = 30, 96, 400
_ICONS = {"look_up": "magnifying-glass", "open": "arrow-right", "again": "arrow-clockwise"}


class HubDetail(Card):
    """The details of the chosen model; `action_requested(action, id)` follows the main button.

    `card_requested(id)` requests the model card.
    """

    action_requested = Signal(str, str)
    card_requested = Signal(str)
    page_requested = Signal(str)
    token_given = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        """Create the details without a model."""
        super().__init__(gap=SPACE_L)
        self._theme = theme
        self._is_narrow = False
        self._value = HubDetailValue("", "")
        self._inside = QWidget()
        self._is_open = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Maximum)
        self.add(self._inside)
        self.set_narrow(False)

    def show_value(self, value: HubDetailValue) -> None:
        """Show another model, or the same one with more facts."""
        if value != self._value:
            self._is_open = self._is_open and value.id == self._value.id
            self._value = value
            self._fill()

    def set_narrow(self, is_narrow: bool) -> None:
        """Use a smaller width and shorter button texts in the smallest window."""
        self._is_narrow = is_narrow
        self.setFixedWidth(NARROW_PX if is_narrow else WIDE_PX)
        self._fill()

    def _fill(self) -> None:
        value = self._value
        had_focus = self._inside.isAncestorOf(self.focusWidget()) if self.focusWidget() else False
        inside = QWidget()
        box = bare(QVBoxLayout(inside), SPACE_L)
        self.setAccessibleName(value.name or _("Details"))
        for part in self._parts(value):
            box.addWidget(part)
        self._inside = self.swap(self._inside, inside)
        button = inside.findChild(Button, "hub-action")
        if had_focus and button is not None:
            button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _parts(self, value: HubDetailValue) -> list[QWidget]:
        if not value.id:
            return [words(_("Choose one to see what it is and what would be downloaded."), "soft")]
        parts: list[QWidget] = [self._title(value)]
        if value.facts:
            facts = [(name, clipped(text, MAX_VALUE), tone) for name, text, tone in value.facts]
            parts.append(KeyValue(facts, NAME_PX))
        if value.is_loading:
            bar = Bar(_("Loading this model's page from the hub"))
            bar.set_share(None)
            parts.append(bar)
        if value.problem:
            parts.append(words(clipped(value.problem, MAX_VALUE), "", "warn"))
        if value.gated is not None:
            steps = GatedSteps(self._theme, value.gated)
            steps.page_requested.connect(self.page_requested)
            steps.token_given.connect(lambda token: self.token_given.emit(value.id, token))
            parts.append(steps)
        if value.action:
            parts.append(self._button(value))
        if value.has_card:
            card = Button(self._theme, _("Read its model card"), "arrow-right", "link", "small")
            card.clicked.connect(lambda: self.card_requested.emit(value.id))
            parts.append(_at_left(card))
        if value.files:
            parts.append(self._files(value.files))
        return parts

    def _title(self, value: HubDetailValue) -> QWidget:
        holder = QWidget()
        box = bare(QVBoxLayout(holder))
        box.addWidget(label(clipped(value.name, MAX_NAME), "section"))
        if value.by:
            box.addWidget(label(clipped(value.by, MAX_NAME), "soft"))
        return holder

    def _button(self, value: HubDetailValue) -> Button:
        download = _("Download") if self._is_narrow else _("Download and use")
        if value.total_bytes:
            download = _("{0} ({1})").format(download, size_bytes(value.total_bytes))
        texts = {
            "look_up": _("Look it up in the hub"),
            "download": download,
            "consent": _("Download anyway…"),
            "open": _("Use it"),
            "again": _("Try again"),
        }
        kind = "ghost" if value.action in ("consent", "again") else "primary"
        icon = _ICONS.get(value.action, "download-simple")
        button = Button(self._theme, texts[value.action], icon, "ghost" if kind == "ghost" else "primary", wide=True)
        button.setObjectName("hub-action")
        button.clicked.connect(lambda: self.action_requested.emit(value.action, value.id))
        return button

    def _files(self, files: Sequence[tuple[str, int]]) -> QWidget:
        holder = QWidget()
        box = bare(QVBoxLayout(holder), SPACE_S)
        title = _("1 file") if len(files) == 1 else _("{0} files").format(len(files))
        fold = FoldButton(self._theme, title, "small", "ghost")
        rows = KeyValue([(size_bytes(size), clipped(name, MAX_VALUE)) for name, size in files[:MAX_FILES]], NAME_PX)
        fold.setChecked(self._is_open)
        fold.toggled.connect(rows.setVisible)
        fold.toggled.connect(self._on_fold)
        box.addWidget(fold, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(rows)
        rows.setVisible(self._is_open)
        if len(files) > MAX_FILES:
            box.addWidget(words(_("and {0} more").format(len(files) - MAX_FILES), "caption"))
        return holder

    def _on_fold(self, is_open: bool) -> None:
        self._is_open = is_open


def _at_left(widget: QWidget) -> QWidget:
    holder = QWidget()
    row = bare(QHBoxLayout(holder))
    row.addWidget(widget)
    row.addStretch(1)
    return holder
