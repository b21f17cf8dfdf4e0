"""Show in Settings the downloaded hub models with size, projects and removal."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, divider
from widgets.parts.flow import bare
from widgets.parts.format import clipped, size_bytes
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.translation import _

MAX_ROWS = 200


@dataclass(frozen=True)
class KeptModelValue:
    """A downloaded model; `is_whole` False means a paused download, `is_busy` that it cannot be removed now."""

    id: str
    name: str
    size_bytes: int
    used_by: tuple[str, ...] = ()
    is_whole: bool = True
    is_busy: bool = False


@dataclass(frozen=True)
class KeptHubValue:
    """The section's value; `token` is the place of the hub's token, "" for none; `place` is the hub's address."""

    models: tuple[KeptModelValue, ...] = ()
    free_bytes: int | None = None
    token: Literal["", "keyring", "file", "environment"] = ""
    place: str = ""
    problem: str = ""


class KeptHubCard(Card):
    """The card of the hub section; `removal_requested(id)` carries a model or a download.

    `forget_requested` asks to remove the token.
    """

    removal_requested = Signal(str)
    forget_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create an empty card."""
        super().__init__(_("Models from the hub"), gap=SPACE_M)
        self._theme = theme
        self._inside = QWidget()
        self.add(self._inside)

    def show_value(self, value: KeptHubValue) -> None:
        """Show all models, downloads and the token."""
        inside = QWidget()
        box = bare(QVBoxLayout(inside))
        box.addWidget(words(self._summary(value), "soft"))
        for model in value.models[:MAX_ROWS]:
            box.addSpacing(SPACE_S)
            box.addWidget(divider())
            box.addSpacing(SPACE_S)
            box.addWidget(self._row(model))
        if value.problem:
            box.addSpacing(SPACE_S)
            box.addWidget(words(value.problem, "", "warn"))
        if value.token:
            box.addSpacing(SPACE_M)
            box.addWidget(self._token(value))
        self._inside = self.swap(self._inside, inside)

    def _summary(self, value: KeptHubValue) -> str:
        total = sum(model.size_bytes for model in value.models)
        free = _(" {0} are free on this disk.").format(size_bytes(value.free_bytes)) if value.free_bytes else ""
        if not value.models:
            return _("None is stored.") + free
        count = _("1 download") if len(value.models) == 1 else _("{0} downloads").format(len(value.models))
        return _("{0}, {1} together.").format(count, size_bytes(total)) + free

    def _row(self, model: KeptModelValue) -> QWidget:
        holder = QWidget()
        row = bare(QHBoxLayout(holder), SPACE_S)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(ElidedLabel(clipped(model.name, 120), "strong"))
        column.addWidget(label(self._used(model), "caption"))
        row.addLayout(column, 1)
        row.addWidget(label(size_bytes(model.size_bytes), "soft", wrap=False))
        remove = GhostButton(self._theme, _("Remove"), "trash", "small")
        remove.setAccessibleName(_("Remove {0}").format(clipped(model.name, 120)))
        remove.setEnabled(not model.is_busy)
        remove.clicked.connect(lambda: self.removal_requested.emit(model.id))
        row.addWidget(remove)
        return holder

    def _used(self, model: KeptModelValue) -> str:
        if not model.is_whole:
            return _("being downloaded") if model.is_busy else _("paused; it can be resumed")
        if not model.used_by:
            return _("in no project")
        names = ", ".join(clipped(name, 40) for name in model.used_by[:3])
        return (_("in use by {0}") if model.is_busy else _("in use: {0}")).format(names)

    def _token(self, value: KeptHubValue) -> QWidget:
        where = {
            "keyring": _("Your token for {0} is stored in this computer's keyring."),
            "file": _(
                "Your token for {0} is stored in a file that only you can read, because this computer has no keyring."
            ),
            "environment": _("Your token for {0} comes from HF_TOKEN; Fettle does not store it."),
        }
        holder = QWidget()
        row = bare(QHBoxLayout(holder), SPACE_S)
        row.addWidget(words(where[value.token].format(clipped(value.place, 80)), "soft"), 1)
        if value.token != "environment":
            forget = GhostButton(self._theme, _("Forget it"), "", "small")
            forget.setAccessibleName(_("Forget the token"))
            forget.clicked.connect(self.forget_requested)
            row.addWidget(forget, 0, Qt.AlignmentFlag.AlignTop)
        return holder
