"""Show a project's web service: a switch, its address, its state, its figures, and the end of its log."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QStyleOptionButton

from widgets.icons import IconLabel
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card
from widgets.parts.layout import MIDDLE, TOP, held, in_column, in_flow, in_row
from widgets.parts.small import Chip
from widgets.parts.text import LogText, label, show_text, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _

TRACK_PX = QSize(36, 20)
LOG_PX = 118

ServiceState = Literal["stopped", "starting", "running", "stopping", "failed"]


@dataclass(frozen=True)
class ServiceView:
    """What the card shows.

    Attributes:
        text: Sentence about the state: what answers since when, the step of the start, or the failure.
        note: Further sentence, e.g. that the port is another one.
        figures: Names and values of the counters.
        key: The key that callers must send; "" if none is needed.
        newer: Title of the run's version if another one answers.
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
    newer: str = ""


class Switch(QCheckBox):
    """A check box that looks like a switch; its text is beside it."""

    def __init__(self, theme: Theme, name: str) -> None:
        """Create a switch that is off; `name` is its text."""
        super().__init__(name)
        self._theme = theme
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the room for the switch and its text."""
        text = self.fontMetrics().size(0, self.text())
        return QSize(TRACK_PX.width() + SPACE_M + text.width() + 4, max(TRACK_PX.height(), text.height()) + 6)

    def hitButton(self, pos: object) -> bool:
        """Return True: the whole widget is pressed."""
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the track, the knob and the text, and the frame of the focus."""
        painter, color = QPainter(self), self._theme.color
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_on, is_enabled = self.isChecked(), self.isEnabled()
        track = QRectF(2, (self.height() - TRACK_PX.height()) / 2, TRACK_PX.width() - 2, TRACK_PX.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("brand" if is_on and is_enabled else "edge"))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        knob = QRectF(track.right() - 17 if is_on else track.left() + 3, track.top() + 3, 14, 14)
        painter.setBrush(color("on-brand" if is_on and is_enabled else "panel"))
        painter.drawEllipse(knob)
        painter.setPen(color("ink" if is_enabled else "soft"))
        words_at = self.rect().adjusted(TRACK_PX.width() + SPACE_M, 0, 0, 0)
        painter.drawText(words_at, int(MIDDLE | Qt.AlignmentFlag.AlignLeft), self.text())
        if self.hasFocus():
            option = QStyleOptionButton()
            self.initStyleOption(option)
            painter.setPen(color("brand"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


class ServicePart(QObject):
    """The service on one page, which owns it; the page makes a new card each time that it is filled."""

    shown_changed = Signal()
    switched = Signal(bool)
    keep_chosen = Signal(bool)
    key_chosen = Signal(bool)
    newer_wanted = Signal()
    browser_wanted = Signal()
    monitor_wanted = Signal()

    def __init__(self, theme: Theme, parent: QObject) -> None:
        """Create the part without a card."""
        super().__init__(parent)
        self._theme, self._view = theme, ServiceView()
        self._card: ServiceCard | None = None

    def card(self) -> Card:
        """Return a new card in the place of the one before."""
        self._card = card = ServiceCard(self._theme, self)
        card.destroyed.connect(lambda: self._on_destroyed(card))
        card.show_value(self._view)
        self.shown_changed.emit()
        return card

    def show_value(self, view: ServiceView) -> None:
        """Show another view."""
        self._view = view
        if self._card is not None:
            self._card.show_value(view)

    @property
    def is_visible(self) -> bool:
        """Return whether a person can see the card, or scroll to it."""
        return self._card is not None and self._card.isVisible()

    def _on_destroyed(self, card: "ServiceCard") -> None:
        if self._card is card:
            self._card = None


class ServiceCard(Card):
    """The card of a service; its part emits the signals."""

    def __init__(self, theme: Theme, part: ServicePart) -> None:
        """Create the card of a stopped service."""
        super().__init__(name=_("Use it from other programs"))
        self._view = ServiceView()
        self._switch = Switch(theme, _("Start the service"))
        self._switch.toggled.connect(part.switched)
        self._text, self._note = words("", "soft"), words("", "caption")
        self._address = label("", "mono", wrap=False, select=True)
        self._key = label("", "mono", wrap=False, select=True)
        copy = GhostButton(theme, _("Copy"), "copy", "small", name=_("Copy the address"), on=self._copy_address)
        copy_key = GhostButton(theme, _("Copy"), "copy", "small", name=_("Copy the key"), on=self._copy_key)
        browser = GhostButton(theme, _("Open in the browser"), "globe", "small", on=part.browser_wanted)
        self._at = in_flow(self._address, copy, browser)
        self._key_row = in_flow(label(_("Key"), "caption", wrap=False), self._key, copy_key)
        self._figures = held(in_row())
        self._newer = GhostButton(
            theme, _("Switch to the new version"), "arrows-clockwise", "small", on=part.newer_wanted
        )
        self._monitor = GhostButton(theme, _("See the monitor"), "chart-line", "small", on=part.monitor_wanted)
        self._keeps = QCheckBox(_("Keep it running when Fettle closes"))
        self._keeps.toggled.connect(part.keep_chosen)
        self._has_key = QCheckBox(_("Callers must send a key"))
        self._has_key.toggled.connect(part.key_chosen)
        self._log = LogText(_("Log of the service"), hint=_("Nothing was logged yet."))
        self._log.setFixedHeight(LOG_PX)
        head = in_column(
            words(_("Use it from other programs"), "section", wrap=False),
            words(_("A web service that only this computer can reach."), "soft"),
            gap=0,
        )
        self.add(in_row((IconLabel(theme, "globe", "brand", 20), TOP), (head, 1), (self._switch, TOP)))
        self._row = in_flow(self._monitor, self._newer)
        self.add(self._text, self._note, self._at, self._key_row, self._figures, self._row, self._log)
        self.add(in_flow(self._keeps, self._has_key, gap=SPACE_M))

    def show_value(self, view: ServiceView) -> None:
        """Show a view; only what differs is drawn again."""
        is_up, has_log = view.state in ("running", "stopping"), view.state in ("running", "stopping", "failed")
        for box, is_on in ((self._switch, view.state in ("starting", "running")), (self._keeps, view.keeps),
                           (self._has_key, view.has_key)):  # fmt: skip
            box.blockSignals(True)
            box.setChecked(is_on)
            box.blockSignals(False)
        self._switch.setEnabled(view.state != "stopping")
        again = _("Start it again") if view.state == "failed" else _("Start the service")
        self._switch.setText(_("Service is on") if view.state in ("starting", "running") else again)
        self._switch.setAccessibleName(self._switch.text())
        self._switch.updateGeometry()
        self._has_key.setEnabled(view.state in ("stopped", "failed"))
        show_text(self._text, view.text)
        show_text(self._note, view.note)
        self._address.setText(view.address)
        self._key.setText(view.key)
        self._at.setVisible(is_up)
        self._key_row.setVisible(is_up and bool(view.key))
        self._monitor.setVisible(is_up)
        self._newer.setVisible(is_up and bool(view.newer))
        self._newer.setToolTip(view.newer)
        self._row.setVisible(is_up)
        if view.figures != self._view.figures:
            figures = in_flow(*(Chip(name, value) for name, value in view.figures))
            self.box.replaceWidget(self._figures, figures)
            self._figures.deleteLater()
            self._figures = figures
        self._figures.setVisible(is_up and bool(view.figures))
        self._log.setVisible(has_log)
        if has_log and view.log != self._log.toPlainText():
            self._log.setPlainText(view.log)
            bar = self._log.verticalScrollBar()
            bar.setValue(bar.maximum())
        self._view = view

    def _copy_address(self) -> None:
        QGuiApplication.clipboard().setText(self._view.address)

    def _copy_key(self) -> None:
        QGuiApplication.clipboard().setText(self._view.key)
