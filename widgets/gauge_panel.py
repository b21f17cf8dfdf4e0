"""Show graphs of the machine's figures; imported only after the first paint, because it imports numpy."""

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from widgets.parts.format import UNKNOWN
from widgets.parts.layout import MIDDLE, in_column, in_row
from widgets.parts.text import ElidedLabel, label, plain_tip
from widgets.plots.frame_clock import FrameClock
from widgets.plots.ring import Floats, Ring
from widgets.plots.strip_plot import MINUTE_S, RING_CAPACITY, StripPlot
from widgets.telemetry import (
    JOB_MEMORY,
    THROTTLE,
    TOKENS_BY_SERIES,
    DeviceValue,
    Series,
    figure_of,
    held_back,
    note_of,
    range_note,
    series_of,
    title_of,
    top_of,
)
from widgets.theme import Theme
from widgets.tokens import SPACE_XL
from workers.contracts.translation import _

_STEADY_S = 10.0
_SURELY_SILENT = 6


class Gauge(QWidget):
    """One figure of a device: name at the top, then value and note, and the graph below. Owned by the panel."""

    def __init__(self, theme: Theme, clock: FrameClock, series: Series) -> None:
        """Create the gauge of a series."""
        super().__init__()
        self.series: Series = series
        self.title = ElidedLabel("", "soft")
        self.figure = label(UNKNOWN, "section", wrap=False)
        self.note = ElidedLabel("", "caption")
        self.strip = StripPlot(theme, clock, "", TOKENS_BY_SERIES[series])
        line = in_row((self.figure, MIDDLE), (self.note, 1, MIDDLE))
        in_column(self.title, line, 4, (self.strip, 1), gap=1, parent=self)

    def show_value(
        self, device: DeviceValue, ring: Ring, *, of_job: bool, state: str = "", whole: str = "", held: str = ""
    ) -> None:
        """Show the newest value, or the words `state` in its place.

        Args:
            device: the device with its limits.
            ring: the values of the series.
            of_job: the values are those of the running job.
            state: a word or two in place of the value, "" for the value.
            whole: the whole sentence as tooltip and for screen readers.
            held: what slows the device down now.
        """
        title = title_of(device, self.series)
        figure = UNKNOWN if state else figure_of(self.series, ring.last())
        note = state or held or (self._note(device, ring, of_job) if len(ring) else "")
        for widget, text in ((self.title, title), (self.figure, figure), (self.note, note)):
            if widget.text() != text:
                widget.setText(text)
        self.setAccessibleName(f"{title}: {figure}")
        self.setAccessibleDescription(whole or note)
        self.setToolTip(plain_tip(whole))

    def _note(self, device: DeviceValue, ring: Ring, of_job: bool) -> str:
        if self.series != "frequency_hz":
            return note_of(device, self.series, of_job=of_job)
        times, values, _unused = ring.since(-np.inf)
        recent = values[times >= times[-1] - _STEADY_S]
        return range_note(float(recent.min()), float(recent.max())) if len(recent) >= 5 else ""


class GaugePanel(QWidget):
    """The gauges of one device, owned by the dock.

    It keeps the values of all devices, so that it can show another device with its past.
    """

    def __init__(self, theme: Theme, clock: FrameClock) -> None:
        """Create a panel without a device."""
        super().__init__()
        self._theme, self._clock = theme, clock
        self._rings: dict[tuple[str, str], Ring] = {}
        self._device: DeviceValue | None = None
        self._job_since_s: float | None = None
        self._phases_s: tuple[float, ...] = ()
        self._window_s = MINUTE_S
        self._has_job = False
        self.gauges: list[Gauge] = []
        self._row = in_row(gap=SPACE_XL, edges=(0, 10, 0, 10), parent=self)

    def show_device(self, device: DeviceValue) -> None:
        """Show another device with its past values."""
        self._device = device
        if [gauge.series for gauge in self.gauges] != list(series_of(device)):
            self._make_gauges(device)
        for gauge in self.gauges:
            gauge.strip.set_top(top_of(device, gauge.series, of_job=self._is_of_job(gauge.series)))
            gauge.strip.set_ring(self._ring_of(gauge.series), title_of(device, gauge.series))

    def _make_gauges(self, device: DeviceValue) -> None:
        for gauge in self.gauges:
            self._clock.remove(gauge.strip)
            self._row.removeWidget(gauge)
            gauge.deleteLater()
        self.gauges = [Gauge(self._theme, self._clock, series) for series in series_of(device)]
        for gauge in self.gauges:
            gauge.strip.set_since(self._job_since_s)
            gauge.strip.set_phases(self._phases_s)
            gauge.strip.set_window(self._window_s)
            self._row.addWidget(gauge, 1)

    def _ring(self, device_id: str, series: str) -> Ring:
        return self._rings.setdefault((device_id, series), Ring(RING_CAPACITY))

    def _is_of_job(self, series: Series) -> bool:
        known = self._rings.get((self._device.id if self._device else "", JOB_MEMORY))
        return series == "memory_bytes" and self._has_job and known is not None and len(known) > 0

    def _ring_of(self, series: Series) -> Ring:
        device_id = self._device.id if self._device else ""
        return self._ring(device_id, JOB_MEMORY if self._is_of_job(series) else series)

    def add(self, device_id: str, series: str, times_s: Floats, values: Floats) -> None:
        """Add values of any device; both arrays have shape (n,)."""
        ring = self._ring(device_id, series)
        is_first = len(ring) == 0
        gauge = next((gauge for gauge in self.gauges if self._ring_of(gauge.series) is ring), None)
        if gauge is not None:
            gauge.strip.add(times_s, values)
        else:
            ring.append(times_s, values)
        if is_first and series == JOB_MEMORY and self._device is not None:
            self.show_device(self._device)

    def report_lost(self, lost: str, word: str) -> None:
        """Show the newest values; `lost` is the sentence why there are none, and `word` then replaces the values."""
        device = self._device
        if device is None:
            return
        heard = max(self._ring(device.id, series).total for series in series_of(device))
        for gauge in self.gauges:
            ring = self._ring_of(gauge.series)
            silent = ring.total == 0 and heard >= _SURELY_SILENT
            state = word if lost else _("unknown") if silent else ""
            whole = lost or (self._why_unknown(device) if silent else "")
            mask = self._rings.get((device.id, THROTTLE))
            held = "" if lost or mask is None else held_back(gauge.series, int(mask.last() or 0))
            gauge.show_value(device, ring, of_job=self._is_of_job(gauge.series), state=state, whole=whole, held=held)

    def _why_unknown(self, device: DeviceValue) -> str:
        if device.kind == "gpu":
            return _("{0} does not report this.").format(device.name)
        return _("Not available on this computer.")

    def set_window(self, seconds: float) -> None:
        """Show at least this many seconds of the past."""
        self._window_s = seconds
        for gauge in self.gauges:
            gauge.strip.set_window(seconds)

    def history(self) -> Iterator[tuple[str, str, Floats, Floats]]:
        """Yield (device, series, times, values) of all known values."""
        for (device_id, series), ring in self._rings.items():
            times, values, _unused = ring.since(-np.inf)
            yield device_id, series, times, values

    def newest(self) -> dict[Series, float | None]:
        """Return the newest values of the shown device."""
        device = self._device
        return {} if device is None else {s: self._ring(device.id, s).last() for s in series_of(device)}

    def set_job(self, running: bool, since_s: float | None) -> None:
        """Set whether a job runs and since when (monotonic seconds), so that the graphs show it completely."""
        if running != self._has_job:
            self._has_job = running
            for key in [key for key in self._rings if key[1] == JOB_MEMORY]:
                del self._rings[key]
            if self._device is not None:
                self.show_device(self._device)
        self._job_since_s = since_s if running else None
        for gauge in self.gauges:
            gauge.strip.set_since(self._job_since_s)

    def set_phases(self, times_s: Sequence[float]) -> None:
        """Mark the starts of the job's steps (monotonic seconds) in all graphs."""
        self._phases_s = tuple(times_s)
        for gauge in self.gauges:
            gauge.strip.set_phases(self._phases_s)
