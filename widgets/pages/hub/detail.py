"""Show the chosen model: its facts, its files, its license, access on request, and one main button."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from widgets.pages.hub.value import Gated, HubDetailValue
from widgets.parts.buttons import Button, FoldButton, GhostButton, Kind
from widgets.parts.card import Card
from widgets.parts.fields import TextField
from widgets.parts.format import clipped, size_bytes
from widgets.parts.layout import LEFT, STRETCH, TOP, held, in_column, in_row
from widgets.parts.small import Bar, KeyValue
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_XS
from workers.contracts.translation import _

MAX_TOKEN = 200


class GatedSteps(QWidget):
    """The three steps; `token_given(text)` is emitted once, and the field is then cleared.

    The token is never shown as text.
    """

    token_given = Signal(str)

    def __init__(self, theme: Theme, value: Gated, page_requested: SignalInstance) -> None:
        """Create the steps for a model; `page_requested` carries the address of its page."""
        super().__init__()
        address, has_token, note = value
        has = _("A token is stored. If it is refused, paste another one.")
        self._field = TextField("", _("Access token"), "hf_…", MAX_TOKEN)
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.returnPressed.connect(self._give)
        page = GhostButton(theme, _("Open its page…"), "globe", "small", on=lambda: page_requested.emit(address))
        keep = GhostButton(theme, _("Keep"), "", "small", name=_("Keep the token"), on=self._give)
        in_column(
            label(_("Its author approves each user"), "strong"),
            self._step(1, _("Sign in at the hub with your browser, or make an account there.")),
            self._step(2, _("Open the model's page and agree to what its author asks.")),
            (page, LEFT),
            self._step(3, has if has_token else _("Paste a read-only access token of your account.")),
            in_row((self._field, 1), keep),
            words(note, "caption") if note else None,
            parent=self,
        )

    def _step(self, number: int, text: str) -> QHBoxLayout:
        return in_row((label(f"{number}.", "soft", wrap=False), TOP), (words(text), 1), gap=SPACE_XS)

    def _give(self) -> None:
        token = self._field.text().strip()
        self._field.clear()
        if token:
            self.token_given.emit(token)


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
        """Use a smaller width in the smallest window."""
        self.setFixedWidth(NARROW_PX if is_narrow else WIDE_PX)
        self._fill()

    def _fill(self) -> None:
        value = self._value
        had_focus = self._inside.isAncestorOf(self.focusWidget()) if self.focusWidget() else False
        inside = held(in_column(*self._parts(value), gap=SPACE_L))
        self.setAccessibleName(value.name or _("Details"))
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
            steps = GatedSteps(self._theme, value.gated, self.page_requested)
            steps.token_given.connect(lambda token: self.token_given.emit(value.id, token))
            parts.append(steps)
        if value.action:
            parts.append(self._button(value))
        if value.has_card:
            card = Button(self._theme, _("Read its model card"), "arrow-right", "link", "small")
            card.clicked.connect(lambda: self.card_requested.emit(value.id))
            parts.append(held(in_row(card, STRETCH, gap=0)))
        if value.files:
            parts.append(self._files(value.files))
        return parts

    def _title(self, value: HubDetailValue) -> QWidget:
        by = label(clipped(value.by, MAX_NAME), "soft") if value.by else None
        return held(in_column(label(clipped(value.name, MAX_NAME), "section"), by, gap=0))

    def _button(self, value: HubDetailValue) -> Button:
        texts = {
            "look_up": _("Look it up in the hub"),
            "download": _sized(_("Download and use"), value.total_bytes),
            "consent": _("Download anyway…"),
            "open": _("Use it"),
            "again": _("Try again"),
        }
        kind: Kind = "ghost" if value.action in ("consent", "again") else "primary"
        icon = _ICONS.get(value.action, "download-simple")
        button = Button(self._theme, texts[value.action], icon, kind, wide=True)
        button.setObjectName("hub-action")
        button.ensurePolished()
        if value.action == "download" and button.sizeHint().width() > self.maximumWidth() - 2 * SPACE_L - 2:
            button.relabel(_sized(_("Download"), value.total_bytes))  # the longer text is cut in some languages
        button.clicked.connect(lambda: self.action_requested.emit(value.action, value.id))
        return button

    def _files(self, files: Sequence[tuple[str, int]]) -> QWidget:
        title = _("1 file") if len(files) == 1 else _("{0} files").format(len(files))
        rows = KeyValue([(size_bytes(size), clipped(name, MAX_VALUE)) for name, size in files[:MAX_FILES]], NAME_PX)
        fold = FoldButton(self._theme, title, "small", "ghost", opens=rows)
        fold.toggled.connect(self._on_fold)
        fold.setChecked(self._is_open)
        rest = len(files) - MAX_FILES
        return held(
            in_column((fold, LEFT), rows, words(_("and {0} more").format(rest), "caption") if rest > 0 else None)
        )

    def _on_fold(self, is_open: bool) -> None:
        self._is_open = is_open


def _sized(text: str, total_bytes: int | None) -> str:
    return _("{0} ({1})").format(text, size_bytes(total_bytes)) if total_bytes else text
