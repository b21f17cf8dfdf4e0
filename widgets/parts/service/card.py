"""Show a project's web service: a switch, its address, its state, its figures, and the end of its log."""

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QWidget
from shiboken6 import isValid

from widgets.icons import IconLabel
from widgets.parts.buttons import CopyButton, GhostButton
from widgets.parts.card import Card
from widgets.parts.layout import LEFT, TOP, held, in_column, in_flow, in_row
from widgets.parts.small import Chip
from widgets.parts.text import LogText, Tone, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _

LOG_PX = 118
TONES: dict[str, Tone] = {"running": "ok", "failed": "bad"}

ServiceState = Literal["stopped", "starting", "running", "stopping", "failed"]


@dataclass(frozen=True)
class ServiceView:
    """What the card shows.

    Attributes:
        text: Sentence about the state: what answers, the step of the start, or the failure.
        note: Further sentence, e.g. that the port is another one.
        figures: Names and values of the counters.
        key: The key that callers must send; "" if none is needed.
        is_older: Whether another version answers than that of the run.
    """

    state: ServiceState = "stopped"
    text: str = ""
    note: str = ""
    address: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    log: str = ""
    keeps: bool = False
    has_key: bool = False
    key: str = ""
    is_older: bool = False

    @property
    def runs(self) -> bool:
        """Return whether the switch is on."""
        return self.state in ("starting", "running")

    @property
    def is_up(self) -> bool:
        """Return whether there is an address that answers."""
        return self.state in ("running", "stopping")


class ServicePart(QObject):
    """The service on one page, which owns it; the page makes a new card each time that it is filled.

    `wanted(what, is_on)` reports what a person chooses: "runs", "keeps", "has_key", "newer" or "monitor".
    """

    filled = Signal()
    wanted = Signal(str, bool)

    def __init__(self, theme: Theme, page: QWidget) -> None:
        """Create the part of a page, without a card."""
        super().__init__(page)
        self.theme, self.page = theme, page
        self._card: ServiceCard | None = None

    def card(self) -> Card:
        """Return a new card in the place of the one before."""
        self._card = card = ServiceCard(self)
        self.filled.emit()
        return card

    def show_value(self, view: ServiceView) -> None:
        """Show another view, if the page shows the card."""
        if self._card is not None and isValid(self._card):
            self._card.show_value(view)


class ServiceCard(Card):
    """The card of a service."""

    def __init__(self, part: ServicePart) -> None:
        """Create the card of a stopped service, whose choices `part` reports."""
        super().__init__(name=_("For other programs"))
        self._part, self._view = part, ServiceView()
        self._switch = QCheckBox(_("Start the service"))
        self._switch.setProperty("kind", "switch")
        keeps, has_key = QCheckBox(_("Keep it running when Fettle closes")), QCheckBox(_("Callers must send a key"))
        self._boxes = {"runs": self._switch, "keeps": keeps, "has_key": has_key}
        for what, box in self._boxes.items():
            box.clicked.connect(lambda is_on, what=what: part.wanted.emit(what, is_on))
        self._body, self._figures = QWidget(), QWidget()
        self._log = LogText(_("Log of the service"), hint=_("Nothing was logged yet."))
        self._log.setFixedHeight(LOG_PX)
        title = words(_("For other programs"), "section", wrap=False)
        head = in_column(title, words(_("A web service that only this computer can reach."), "soft"), gap=0)
        self.add(in_row((IconLabel(part.theme, "globe", "brand", 20), TOP), (head, 1), (self._switch, TOP)))
        self.add(self._body, self._figures, self._log, in_flow(keeps, has_key, gap=SPACE_M))
        for hidden in (self._body, self._figures, self._log):
            hidden.hide()

    def show_value(self, view: ServiceView) -> None:
        """Show a view; only what differs is made again."""
        before, self._view = self._view, view
        for what, box in self._boxes.items():
            box.setChecked(getattr(view, what))
        texts = {"running": _("Service is on"), "starting": _("Starting…"), "failed": _("Start it again")}
        self._switch.setText(texts.get(view.state, _("Start the service")))
        self._switch.setEnabled(view.state != "stopping")
        self._boxes["has_key"].setEnabled(not view.runs and not view.is_up)
        if replace(view, figures=(), log="") != replace(before, figures=(), log=""):
            self._body = self.swap(self._body, self._made_body(view))
            self._body.setVisible(bool(view.text))
        if view.figures != before.figures:
            self._figures = self.swap(self._figures, in_flow(*(Chip(name, value) for name, value in view.figures)))
        self._figures.setVisible(view.is_up)
        self._log.setVisible(view.is_up or view.state == "failed")
        if view.log != before.log:
            self._log.setPlainText(view.log)
            self._log.verticalScrollBar().setValue(self._log.verticalScrollBar().maximum())

    def _made_body(self, view: ServiceView) -> QWidget:
        theme, part = self._part.theme, self._part
        at = label(view.address, "mono", wrap=False, select=True)
        browser = GhostButton(theme, _("Open in the browser"), "globe", "small", on=lambda: _browse(view.address))
        monitor = GhostButton(theme, _("See the monitor"), "chart-line", "small")
        monitor.clicked.connect(lambda: part.wanted.emit("monitor", True))
        newer = GhostButton(theme, _("Switch to the new version"), "arrows-clockwise", "small")
        newer.clicked.connect(lambda: part.wanted.emit("newer", True))
        copy = CopyButton(theme, view.address, name=_("Copy the address"))
        address = in_flow(at, copy, browser, monitor)
        key = in_flow(
            label(_("Key"), "caption", wrap=False),
            label(view.key, "mono", wrap=False, select=True),
            CopyButton(theme, view.key, name=_("Copy the key")),
        )
        return held(
            in_column(
                words(view.text, "", TONES.get(view.state, "soft")),
                words(view.note, "caption") if view.note else None,
                address if view.is_up else None,
                key if view.is_up and view.key else None,
                (newer, LEFT) if view.state == "running" and view.is_older else None,
            )
        )


def _browse(address: str) -> None:
    QDesktopServices.openUrl(QUrl(address))
