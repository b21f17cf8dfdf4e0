"""Read the machine in a worker process and show its samples in the dock."""

import csv
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.controllers.flows import FlowRunner
from app.controllers.session import Session
from app.controllers.words import device_words, error_value
from app.services.flow.memory_meter import resident_bytes
from app.services.machine.watching import PROCESS, MachineReader, Readings, device_id, family_of, job_bytes
from widgets.main_window import MainWindow
from widgets.telemetry import JOB_MEMORY, DeviceValue
from widgets.timers import every
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DescribeResult
from workers.contracts.translation import _

POLL_MS = 250
PROCESSOR = "cpu"
POWER_LIMIT = "power_limit_w"
NOT_PLOTTED = (POWER_LIMIT, "clock_limit_hz", "slowdown_c")
LEAST_JOB_BYTES = 4 << 20
"""Memory in bytes of a process that has just started; smaller totals are not shown."""

CSV_HEAD = ("time", "device", "quantity", "value")


class TelemetryController(QObject):
    """The reader of the machine, owned by the window's controller.

    A reader that fails is not started again: the dock then shows that there are no figures.
    """

    def __init__(self, window: MainWindow, session: Session, flows: FlowRunner, parent: QObject | None = None) -> None:
        """Create the controller without starting its reader."""
        super().__init__(parent)
        self._window, self._dock, self._session, self._flows = window, window.dock, session, flows
        self._reader: MachineReader | None = None
        self._names: dict[str, str] = {}
        self._timer = every(self, POLL_MS, self._on_tick)
        self._dock.csv_requested.connect(self._on_csv)

    def start(self, described: DescribeResult) -> None:
        """Start to read the processor or the detected GPUs; restarts after another detection."""
        self.stop()
        self.show(described)
        self._reader = MachineReader(self._session.workspace, has_gpus=bool(described.cards))
        self._timer.start()

    def show(self, described: DescribeResult) -> None:
        """Show the names of the devices."""
        values = devices(described)
        self._names = {value.id: value.name for value in values}
        self._dock.set_devices(values)
        chosen = self._session.workspace.card()
        name = next((card.name for card in described.cards if chosen is not None and card.uuid == chosen.uuid), "")
        self._window.top.set_device(name or device_words(described.device))

    def pause(self, paused: bool) -> None:
        """Pause reading while requests are timed; samples that arrive meanwhile are shown afterwards."""
        if paused:
            self._timer.stop()
        elif self._reader is not None:
            self._timer.start()

    def stop(self) -> None:
        """Stop the reader."""
        self._timer.stop()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _on_tick(self) -> None:
        if self._reader is None:
            return
        readings = self._reader.poll()
        if readings.is_over:
            self.stop()
            text = _("This computer's figures cannot be read now.")
            self._dock.set_lost(self._dock.shown_device, text, _("cannot be read"))
            return
        self._take(readings)
        for device in readings.lost:  # follows its last values
            text = _("{0} no longer responds. Restart the computer to use it again.")
            self._dock.set_lost(device, text.format(self._names.get(device, device)), _("card is lost"))

    def _take(self, readings: Readings) -> None:
        processes: dict[str, dict[int, float]] = {}
        for (device, quantity), values in readings.values.items():
            if quantity.startswith(PROCESS):
                processes.setdefault(device, {})[int(quantity.rpartition("/")[2])] = values[-1]
            elif quantity == POWER_LIMIT:
                self._dock.set_limit(device, values[-1])
            elif quantity not in NOT_PLOTTED:
                self._dock.add(device, quantity, np.array(readings.times_s[device, quantity]), np.array(values))
        if readings.values:
            self._add_memory(processes)

    def _add_memory(self, processes: dict[str, dict[int, float]]) -> None:
        """Add the total memory of the job's processes and, if the driver reports it, their memory on each GPU."""
        pids = self._flows.pids
        total = float(sum(resident_bytes(pid) for pid in pids))
        now = np.array([time.monotonic()])
        if total >= LEAST_JOB_BYTES:
            self._dock.add(PROCESSOR, JOB_MEMORY, now, np.array([total]))
        family = family_of(pids) if processes and pids else set()
        for device, used in processes.items():
            mine = job_bytes(used, family)
            if mine is not None:
                self._dock.add(device, JOB_MEMORY, now, np.array([mine]))

    def _on_csv(self) -> None:
        """Ask for a file and save the table; a cancelled dialog saves nothing."""
        name, title = f"fettle-{datetime.now():%Y-%m-%d-%H%M}.csv", _("Where should the table be saved?")
        path, _unused = QFileDialog.getSaveFileName(self._window, title, name, "CSV (*.csv)")
        if path:
            self.save_csv(Path(path))

    def save_csv(self, path: Path) -> None:
        """Write all known samples as CSV: time (UTC), device, quantity with its unit, value."""
        began = datetime.now(UTC) - timedelta(seconds=time.monotonic())
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                table = csv.writer(file)
                table.writerow(CSV_HEAD)
                for device, quantity, times, values in self._dock.history():
                    name = self._names.get(device, device)
                    for at, value in zip(times.tolist(), values.tolist(), strict=True):
                        moment = began + timedelta(seconds=at)
                        table.writerow((moment.isoformat(timespec="milliseconds"), name, quantity, value))
        except OSError as error:
            title, hint = _("The table could not be saved"), _("Free some space, or choose another folder.")
            info = ErrorInfo(code="not_written", title=title, detail=f"{path}: {error.strerror or error}.", hint=hint)
            self._window.banner(error_value(info))


def devices(described: DescribeResult) -> list[DeviceValue]:
    """Return the devices of the dock: the GPUs first, and always the processor."""
    gpus = [
        DeviceValue(device_id(card), card.name, "gpu", memory_total_bytes=float(card.memory_bytes) or None)
        for card in described.cards
    ]
    total = float(psutil.virtual_memory().total)
    processor = DeviceValue(PROCESSOR, described.device.processor, "processor", described.device.cores, total)
    return [*gpus, processor]
