"""Show the machine's figures at the bottom of the window: one line, or graphs while a job runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QSizePolicy, QToolButton, QWidget

from widgets.icons import IconBinding, bind_icon
from widgets.parts.buttons import Slot
from widgets.parts.fields import ChoiceField
from widgets.parts.layout import RIGHT, STRETCH, fill, in_row
from widgets.parts.text import label, plain_tip
from widgets.plots.frame_clock import FrameClock
from widgets.telemetry import JOB_MEMORY, DeviceValue, jobs_text, short_names
from widgets.theme import Theme
from widgets.tokens import DOCK_OPEN_HEIGHT, DOCK_SLIM_HEIGHT, PAGE_EDGE, SPACE_M, SPACE_XL
from workers.contracts.translation import _

if TYPE_CHECKING:
    from widgets.gauge_panel import Gauge, GaugePanel
    from widgets.plots.ring import Floats
from collections.abc import Mapping

from PySide6.QtWidgets import QLabel

from widgets.telemetry import Series, figure_of, title_of, used_of_total

GAP_PX = 24


class SlimLine(QWidget):
    """Name and value of each known figure; figures that the device does not report are left out. Owned by the dock."""

    def __init__(self) -> None:
        """Create an empty line."""
        super().__init__()
        self.pairs: list[tuple[QLabel, QLabel]] = []
        self._count = 0
        self._row = in_row(STRETCH, gap=GAP_PX, parent=self)

    def show_values(self, device: DeviceValue, values: Mapping[Series, float | None], lost: str) -> None:
        """Show the newest values, or `lost` as the sentence about a device that no longer responds."""
        known = [(series, value) for series, value in values.items() if value is not None]
        shown = [(title_of(device, series, short=True), self._figure(device, series, v)) for series, v in known]
        if lost:
            shown = [(device.name, lost)]
        while len(self.pairs) < len(shown):
            self._add_pair()
        for (name, figure), (title, text) in zip(self.pairs, shown, strict=False):
            for widget, new in ((name, title), (figure, text)):
                if widget.text() != new:
                    widget.setText(new)
        self._count = len(shown)
        self.setAccessibleName(", ".join(f"{title} {text}" for title, text in shown))
        self._fit()

    def _fit(self) -> None:
        """Show as many figures as fit whole; the graphs show all of them."""
        left_px = self.width()
        for index, (name, figure) in enumerate(self.pairs):
            left_px -= name.sizeHint().width() + figure.sizeHint().width() + 4 + GAP_PX * (index > 0)
            for widget in (name, figure):
                widget.setVisible(index < self._count and (left_px >= 0 or not index))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show other figures if more or fewer fit."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Return a width that hides figures instead of cutting them."""
        return QSize(0, super().minimumSizeHint().height())

    @staticmethod
    def _figure(device: DeviceValue, series: Series, value: float) -> str:
        if series == "memory_bytes" and device.memory_total_bytes:
            return used_of_total(value, device.memory_total_bytes)
        return figure_of(series, value)

    def _add_pair(self) -> None:
        name, figure = label("", "caption", wrap=False), label("", wrap=False)
        figure.setProperty("role", "small")
        self._row.insertLayout(len(self.pairs), in_row(name, figure, gap=4))
        self.pairs.append((name, figure))


_ROOMY_PX, _LEAST_PX = 960, 640
MINUTE_S, HOUR_S = 60.0, 3600.0

__all__ = ["JOB_MEMORY", "DeviceValue", "Dock"]


class Dock(QFrame):
    """The dock of the window: it receives the devices first and then their series.

    The series are those of `telemetry.Series` and `job_memory_bytes`. The dock opens when a job starts and closes when
    none is left, unless the user chose otherwise. `toggled` reports that choice. `device_chosen` reports which of
    several devices the user watches.
    """

    toggled = Signal(bool)
    device_chosen = Signal(str)
    csv_requested = Signal()

    def __init__(self, theme: Theme, clock: FrameClock) -> None:
        """Create a closed dock without devices."""
        super().__init__()
        self.setProperty("kind", "dock")
        self._theme, self._clock = theme, clock
        self._devices: dict[str, DeviceValue] = {}
        self._gauge_panel: GaugePanel | None = None
        self._lost: dict[str, tuple[str, str]] = {}
        self._shown_id = ""
        self._jobs = 0
        self._by_hand: bool | None = None
        self.is_open = self.shows_hour = False
        self._build()
        self._set_open(False)
        self.translate()

    def translate(self) -> None:
        """Set the fixed texts in the current language; those of figures follow with the next values."""
        self.setAccessibleName(_("This computer"))
        self._chooser.setAccessibleName(_("Device to watch"))
        self.csv_button.setAccessibleName(_("Save these figures"))
        self.csv_button.setToolTip(_("Save these figures as a table (CSV)"))
        self.set_hour(self.shows_hour)
        self._set_open(self.is_open)

    def _build(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.slim, self._side = SlimLine(), QWidget()
        self.job_text = label(jobs_text(0), "caption", wrap=False)
        self._chooser = ChoiceField(small=True, elastic=True)
        self._chooser.activated.connect(self._on_device_activated)
        self._chooser.hide()
        self.button, self._caret = self._side_button("caret-up", self._on_clicked)
        self.window_button, _clock = self._side_button("clock", lambda: self.set_hour(not self.shows_hour))
        self.csv_button, _arrow = self._side_button("download-simple", self.csv_requested)
        self._side_box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._side)
        self._side_box.setSpacing(SPACE_M)
        tools = in_row(STRETCH, self.window_button, self.csv_button, self.button, gap=0)
        fill(self._side_box, (self.job_text, RIGHT), (self._chooser, RIGHT), tools)
        self._row = in_row((self.slim, 1), self._side, gap=SPACE_M, parent=self)
        self.set_edge(PAGE_EDGE)

    def _side_button(self, icon: str, on: Slot) -> tuple[QToolButton, IconBinding]:
        button = QToolButton()
        button.setFixedSize(24, 24)
        button.clicked.connect(on)
        return button, bind_icon(self._theme, button, icon, "soft")

    def set_hour(self, is_hour: bool) -> None:
        """Show the last hour or the last minute; a running job is always shown completely."""
        self.shows_hour = is_hour
        name = _("Show the last minute") if is_hour else _("Show the last hour")
        self.window_button.setAccessibleName(name)
        self.window_button.setToolTip(name)
        if self._gauge_panel is not None:
            self._gauge_panel.set_window(HOUR_S if is_hour else MINUTE_S)

    def history(self) -> Iterator[tuple[str, str, Floats, Floats]]:
        """Yield (device, series, times, values) of all known values; times are seconds of the frame clock."""
        return self._panel().history()

    def set_edge(self, edge_px: int) -> None:
        """Set the left margin in pixels to that of the page above."""
        self._row.setContentsMargins(edge_px, 1, SPACE_XL - 4, 0)

    def sizeHint(self) -> QSize:
        """Return the height of the open or the closed dock."""
        return QSize(200, DOCK_OPEN_HEIGHT if self.is_open else DOCK_SLIM_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the text about jobs if several devices leave too little room for the figures."""
        super().resizeEvent(event)
        self._show_job_text()

    def _show_job_text(self) -> None:
        crowded = self.width() < (_ROOMY_PX if self._chooser.count() > 1 else _LEAST_PX)
        self.job_text.setVisible(not self.is_open and not crowded)

    def set_devices(self, devices: Sequence[DeviceValue]) -> None:
        """Set the devices; the first one is shown, and a menu appears if there are several."""
        self._devices = {device.id: device for device in devices}
        self._chooser.clear()
        for name, device in zip(short_names(devices), devices, strict=True):
            self._chooser.addItem(name, device.id)
            self._chooser.setItemData(self._chooser.count() - 1, plain_tip(device.name), Qt.ItemDataRole.ToolTipRole)
        self._chooser.setVisible(len(devices) > 1)
        if devices:
            self.show_device(self._shown_id if self._shown_id in self._devices else devices[0].id)

    @property
    def shown_device(self) -> str:
        """Return the id of the shown device, "" without any."""
        return self._shown_id

    def show_device(self, device_id: str) -> None:
        """Show another device with its past values."""
        self._shown_id = device_id
        self._chooser.setCurrentIndex(self._chooser.findData(device_id))
        self._panel().show_device(self._devices[device_id])
        self._update_figures()

    @property
    def gauges(self) -> list[Gauge]:
        """Return the gauges of the shown device, from left to right."""
        return self._panel().gauges

    def _panel(self) -> GaugePanel:
        if self._gauge_panel is None:
            from widgets.gauge_panel import GaugePanel  # imports numpy: not before the first paint

            self._gauge_panel = GaugePanel(self._theme, self._clock)
            self._gauge_panel.set_window(HOUR_S if self.shows_hour else MINUTE_S)
            self._row.insertWidget(1, self._gauge_panel, 1)
            self._gauge_panel.setVisible(self.is_open)
        return self._gauge_panel

    def add(self, device_id: str, series: str, times_s: Floats, values: Floats) -> None:
        """Add values of a device; both arrays have shape (n,), `times_s` are monotonic seconds of the frame clock."""
        self._lost.pop(device_id, None)
        self._panel().add(device_id, series, times_s, values)
        if device_id == self._shown_id:
            self._update_figures()

    def set_limit(self, device_id: str, power_limit_w: float) -> None:
        """Set the power limit of a device in watts, which is reported once."""
        device = self._devices.get(device_id)
        if device is not None and device.power_limit_w != power_limit_w:
            self._devices[device_id] = dataclasses.replace(device, power_limit_w=power_limit_w)
            if device_id == self._shown_id:
                self.show_device(device_id)

    def set_lost(self, device_id: str, sentence: str, word: str) -> None:
        """Show that a device no longer responds, until it sends values again.

        The text is `sentence`, or `word` where there is little room.
        """
        self._lost[device_id] = (sentence, word)
        if device_id == self._shown_id:
            self._update_figures()

    def _update_figures(self) -> None:
        device = self._devices.get(self._shown_id)
        if device is not None:
            lost, word = self._lost.get(device.id, ("", ""))
            self._panel().report_lost(lost, word)
            self.slim.show_values(device, self._panel().newest(), lost)

    def set_jobs(self, count: int, started_at_s: float | None = None, others: int = 0) -> None:
        """Set the number of measuring jobs and of other jobs.

        The graphs show a measuring job completely from `started_at_s` (monotonic seconds). Other jobs are only counted.
        """
        began, ended = count > 0 and self._jobs == 0, count == 0 and self._jobs > 0
        self._jobs = count
        self.job_text.setText(jobs_text(count + others))
        self._side.updateGeometry()
        if began or ended:
            if self._by_hand is None or ended:
                self._set_open(began)
            self._by_hand = None
        if count or self._gauge_panel is not None:
            self._panel().set_job(count > 0, started_at_s)
            self._update_figures()

    def set_phases(self, times_s: Sequence[float]) -> None:
        """Mark the starts of the job's steps (monotonic seconds) in all graphs."""
        self._panel().set_phases(times_s)

    def set_open(self, is_open: bool) -> None:
        """Open or close the dock as the user chose, also at the next start."""
        self._set_open(is_open)
        self._by_hand = is_open

    def _set_open(self, is_open: bool) -> None:
        self.is_open = is_open
        self.setFixedHeight(DOCK_OPEN_HEIGHT if is_open else DOCK_SLIM_HEIGHT)
        self.slim.setVisible(not is_open)
        for tool in (self.window_button, self.csv_button):
            tool.setVisible(is_open)
        self._show_job_text()
        if is_open or self._gauge_panel is not None:
            self._panel().setVisible(is_open)
        up, right = QBoxLayout.Direction.BottomToTop, QBoxLayout.Direction.LeftToRight
        self._side_box.setDirection(up if is_open else right)
        self._side_box.setContentsMargins(0, 8 if is_open else 0, 0, 0)
        self._row.setAlignment(self._side, Qt.AlignmentFlag.AlignTop if is_open else Qt.AlignmentFlag(0))
        self._caret.set("caret-down" if is_open else "caret-up", "soft")
        name = _("Hide the graphs") if is_open else _("Show the graphs")
        self.button.setAccessibleName(name)
        self.button.setToolTip(name)

    def _on_clicked(self) -> None:
        self.set_open(not self.is_open)
        self.toggled.emit(self.is_open)

    def _on_device_activated(self, index: int) -> None:
        device_id = str(self._chooser.itemData(index))
        self.show_device(device_id)
        self.device_chosen.emit(device_id)
