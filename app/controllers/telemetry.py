"""The dock: a small worker reads the machine, its samples go to the graphs."""

from collections import defaultdict

import numpy as np
import psutil
from PySide6.QtCore import QObject, QTimer

from app.controllers.session import Session
from app.controllers.words import device_words, tr
from app.jobs.client import Crashed, JobClient
from app.services.steps import JobStep
from widgets.dock import Dock
from widgets.main_window import MainWindow
from widgets.telemetry import JOB_MEMORY, DeviceValue
from workers.contracts.jobs import DescribeResult, TelemetryParams, TelemetryResult
from workers.contracts.messages import TERMINAL, Limits, Log, Sample

POLL_MS = 250
INTERVAL_S = 0.5
PROCESSOR = "cpu"


class TelemetryController(QObject):
    """Starts the reader, restarts it never: a machine that cannot be read shows no figures, and says so."""

    def __init__(self, window: MainWindow, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window, self._dock, self._session = window, window.dock, session
        self._client: JobClient | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._on_tick)

    def start(self, found: DescribeResult) -> None:
        """Watch the processor, or the GPUs that were found; again when others were found."""
        self.stop()
        self._dock.set_devices(devices(found))
        self._window.set_device(device_words(found.device))
        workspace = self._session.workspace
        params = TelemetryParams(interval_s=INTERVAL_S)
        limits = Limits(cpu_s=None, gpu=bool(found.device.gpus))
        step = JobStep(kind="telemetry", params=params, result=TelemetryResult, title="", threads=1, limits=limits)
        self._client = workspace.pool.take()
        self._client.start(workspace.new_job(step, params.model_dump(mode="json")))
        self._timer.start()

    def stop(self) -> None:
        """End the reader."""
        self._timer.stop()
        if self._client is not None:
            self._client.close()
            self._client = None

    def _on_tick(self) -> None:
        if self._client is None:
            return
        times: dict[str, list[float]] = defaultdict(list)
        values: dict[str, list[float]] = defaultdict(list)
        for message in self._client.poll():
            if isinstance(message, Sample):
                times[message.series] += message.times_s
                values[message.series] += message.values
            elif isinstance(message, Log) and message.level == "warning":
                self._on_warning(message.text)
            elif isinstance(message, (*TERMINAL, Crashed)):
                self.stop()
                self._dock.set_lost(self._dock.shown_device, tr("This computer's figures cannot be read now."))
                return
        for name, some in times.items():
            device, _, series = name.partition("/")
            add(self._dock, device, series, some, values[name])

    def _on_warning(self, text: str) -> None:
        """A GPU was lost: its graphs end there, in words."""
        shown = self._dock.shown_device
        if shown != PROCESSOR:
            self._dock.set_lost(shown, text)


def add(dock: Dock, device: str, series: str, times_s: list[float], values: list[float]) -> None:
    """Samples of one series to its graph; the job's memory has a name of its own."""
    name = JOB_MEMORY if device == "job" else series
    dock.add(PROCESSOR if device == "job" else device, name, np.array(times_s), np.array(values))


def devices(found: DescribeResult) -> list[DeviceValue]:
    """GPUs first, the processor always."""
    gpus = [DeviceValue(f"gpu{index}", name, "gpu") for index, name in enumerate(found.device.gpus)]
    total = float(psutil.virtual_memory().total)
    processor = DeviceValue(PROCESSOR, found.device.processor, "processor", found.device.cores, total)
    return [*gpus, processor]
