"""Show in Settings the version of the program, newer versions, and the way back to the previous one."""

from dataclasses import dataclass
from typing import Literal, get_args

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtWidgets import QCheckBox

from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card
from widgets.parts.format import clipped, size_bytes
from widgets.parts.layout import LEFT, in_flow
from widgets.parts.small import Bar
from widgets.parts.text import ElidedLabel, show_text, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _

MAX_NOTES = 600

ProgramRequest = Literal["look", "install", "stop", "switch", "weekly"]


@dataclass(frozen=True)
class ProgramValue:
    """The section's value; `kind` is as in `app.services.machine.updates.program`.

    `next_version` runs from the next start on. `other_version` is installed besides it, and `goes_back` means that it
    is the older one. `found` is a newer version with its download in bytes and its notes. `at_work` is what is done
    now, with its `share` from 0 to 1, None if unknown. `message` is the last result, `problem` the last failure.
    """

    kind: Literal["clone", "own", "package"] = "clone"
    version: str = ""
    place: str = ""
    has_server: bool = False
    next_version: str = ""
    other_version: str = ""
    goes_back: bool = True
    found: str = ""
    download_bytes: int = 0
    notes: str = ""
    is_weekly: bool = False
    at_work: str = ""
    share: float | None = None
    message: str = ""
    problem: str = ""


class ProgramCard(Card):
    """The card of the section; its widgets stay, so that the focus stays while a download runs."""

    def __init__(self, theme: Theme, requested: SignalInstance) -> None:
        """Create an empty card; `requested` gets each `ProgramRequest`."""
        super().__init__(_("This program"), gap=SPACE_M)
        self._version = words("", "strong")
        self._place = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self._source, self._result = words("", "caption"), words("")
        self._notes, self._problem = words("", "soft"), words("", "", "warn")
        self._bar = Bar(_("Progress of the update"))
        self._look = GhostButton(theme, _("Look for a newer version"), "arrows-clockwise")
        self._install = PrimaryButton(theme, _("Install"), "download-simple")
        self._stop = GhostButton(theme, _("Stop"), "stop", name=_("Stop the update"))
        self._switch = GhostButton(theme, "", "arrow-counter-clockwise")
        self._buttons = in_flow(self._install, self._look, self._stop, self._switch)
        self._weekly = QCheckBox(_("Look for a newer version once a week"))
        for button, request in zip(
            (self._look, self._install, self._stop, self._switch, self._weekly), get_args(ProgramRequest), strict=True
        ):
            button.clicked.connect(lambda _checked=False, request=request: requested.emit(request))
        self.add(self._version, self._place, self._source, self._result, self._notes, self._bar, self._problem)
        self.add(self._buttons, (self._weekly, LEFT))

    def show_value(self, value: ProgramValue) -> None:
        """Show other versions or another progress."""
        can_look, is_idle = value.kind == "own" and value.has_server, not value.at_work
        self._version.setText(_("Fettle {0}").format(value.version))
        self._place.setText(value.place)
        self._source.setText(self._source_of(value))
        show_text(self._result, value.at_work or value.message or self._offer(value))
        show_text(self._notes, clipped(value.notes, MAX_NOTES) if value.found and is_idle else "")
        show_text(self._problem, value.problem)
        self._bar.setVisible(not is_idle)
        self._bar.set_share(value.share)
        self._install.relabel(_("Install version {0}").format(value.found))
        back = _("Go back to version {0}…") if value.goes_back else _("Use version {0} again…")
        self._switch.relabel(back.format(value.other_version))
        self._install.setVisible(is_idle and bool(value.found))
        self._look.setVisible(is_idle and can_look and not value.found)
        self._stop.setVisible(not is_idle)
        self._switch.setVisible(is_idle and bool(value.other_version))
        self._buttons.setVisible(can_look or bool(value.other_version))
        self._weekly.setVisible(can_look)
        self._weekly.setChecked(value.is_weekly)

    @staticmethod
    def _source_of(value: ProgramValue) -> str:
        if value.kind == "clone":
            return _("It runs from a clone (a copy of its source code), and is updated there.")
        if value.kind == "package":
            return _("This computer's package manager updates it, or the person who installed it.")
        if not value.has_server:
            return _("Newer versions come in the way you got this one: unpack a newer archive beside it.")
        return _("Nothing is sent about you or your work. Nothing is installed before you ask for it.")

    @staticmethod
    def _offer(value: ProgramValue) -> str:
        if value.found:
            size = size_bytes(value.download_bytes)
            return _("Version {0} can be installed ({1} to download).").format(value.found, size)
        if value.next_version and value.next_version != value.version:
            return _("Version {0} runs from the next start on.").format(value.next_version)
        return ""
