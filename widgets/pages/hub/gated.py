"""Show in three steps how to get access to a model whose author grants it on request."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from widgets.pages.hub.value import Gated
from widgets.parts.buttons import GhostButton
from widgets.parts.fields import TextField
from widgets.parts.flow import bare
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_S, SPACE_XS
from workers.contracts.translation import _

MAX_TOKEN = 200


class GatedSteps(QWidget):
    """The three steps; `token_given(text)` is emitted once, and the field is then cleared.

    The token is never shown as text.
    """

    page_requested = Signal(str)
    token_given = Signal(str)

    def __init__(self, theme: Theme, value: Gated) -> None:
        """Create the steps for a model."""
        super().__init__()
        address, has_token, note = value
        self._box = bare(QVBoxLayout(self), SPACE_S)
        self._box.addWidget(label(_("Its author approves each user"), "strong"))
        self._step(1, _("Sign in at the hub with your browser, or make an account there."))
        self._step(2, _("Open the model's page and agree to what its author asks."))
        page = GhostButton(theme, _("Open its page…"), "globe", "small")
        page.clicked.connect(lambda: self.page_requested.emit(address))
        self._box.addWidget(page, 0, Qt.AlignmentFlag.AlignLeft)
        has = _("A token is stored. If it is refused, paste another one.")
        self._step(3, has if has_token else _("Paste a read-only access token of your account."))
        self._field = TextField("", _("Access token"), "hf_…", MAX_TOKEN)
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.returnPressed.connect(self._give)
        keep = GhostButton(theme, _("Keep"), "", "small")
        keep.setAccessibleName(_("Keep the token"))
        keep.clicked.connect(self._give)
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(self._field, 1)
        row.addWidget(keep)
        self._box.addLayout(row)
        if note:
            self._box.addWidget(words(note, "caption"))

    def _step(self, number: int, text: str) -> None:
        row = QHBoxLayout()
        row.setSpacing(SPACE_XS)
        row.addWidget(label(f"{number}.", "soft", wrap=False), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(words(text), 1)
        self._box.addLayout(row)

    def _give(self) -> None:
        token = self._field.text().strip()
        self._field.clear()
        if token:
            self.token_given.emit(token)
