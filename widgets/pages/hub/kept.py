"""Show in Settings the downloaded hub models with size, projects and removal."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton, Slot
from widgets.parts.card import Card, divider
from widgets.parts.format import clipped, size_bytes
from widgets.parts.layout import TOP, held, in_column, in_row
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
    """The card of the hub section."""

    def __init__(self, theme: Theme, on_forget: Slot, removal_requested: SignalInstance) -> None:
        """Create an empty card; `on_forget` removes the token, `removal_requested` carries a model or a download."""
        super().__init__(_("Models from the hub"), gap=SPACE_M)
        self._theme, self._on_forget, self._removal_requested = theme, on_forget, removal_requested
        self._inside = QWidget()
        self.add(self._inside)

    def show_value(self, value: KeptHubValue) -> None:
        """Show all models, downloads and the token."""
        rows = ((SPACE_S, divider(), SPACE_S, self._row(model)) for model in value.models[:MAX_ROWS])
        inside = in_column(
            words(self._summary(value), "soft"),
            *(part for row in rows for part in row),
            *((SPACE_S, words(value.problem, "", "warn")) if value.problem else ()),
            *((SPACE_M, self._token(value)) if value.token else ()),
            gap=0,
        )
        self._inside = self.swap(self._inside, held(inside))

    def _summary(self, value: KeptHubValue) -> str:
        total = sum(model.size_bytes for model in value.models)
        free = _(" {0} are free on this disk.").format(size_bytes(value.free_bytes)) if value.free_bytes else ""
        if not value.models:
            return _("None is stored.") + free
        count = _("1 download") if len(value.models) == 1 else _("{0} downloads").format(len(value.models))
        return _("{0}, {1} together.").format(count, size_bytes(total)) + free

    def _row(self, model: KeptModelValue) -> QWidget:
        name = clipped(model.name, 120)
        remove = GhostButton(self._theme, _("Remove"), "trash", "small", name=_("Remove {0}").format(name))
        remove.setEnabled(not model.is_busy)
        remove.clicked.connect(lambda: self._removal_requested.emit(model.id))
        column = in_column(ElidedLabel(name, "strong"), label(self._used(model), "caption"), gap=0)
        return held(in_row((column, 1), label(size_bytes(model.size_bytes), "soft", wrap=False), remove))

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
        forget = None
        if value.token != "environment":
            text, name = _("Forget it"), _("Forget the token")
            forget = GhostButton(self._theme, text, "", "small", name=name, on=self._on_forget)
        report = words(where[value.token].format(clipped(value.place, 80)), "soft")
        return held(in_row((report, 1), (forget, TOP)))
