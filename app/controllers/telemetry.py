"""The dock: a small worker reads the machine, its samples go to the graphs."""

import re
import time
from collections import defaultdict

import numpy as np
import psutil
from PySide6.QtCore import QObject, QTimer

from app.controllers.flows import FlowRunner
from app.controllers.session import Session
from app.controllers.words import device_words, tr
from app.jobs.client import Crashed, JobClient
from app.services.flow.steps import JobStep
from widgets.main_window import MainWindow
from widgets.telemetry import JOB_MEMORY, DeviceValue
from workers.contracts.jobs import DescribeResult, TelemetryParams, TelemetryResult
from workers.contracts.process.messages import TERMINAL, Limits, Log, Sample

POLL_MS = 250
INTERVAL_S = 0.5
PROCESSOR = "cpu"
BORN_BYTES = 4 << 20
"""A process that has less is just being born."""


class TelemetryController(QObject):
    """Starts the reader, restarts it never: a machine that cannot be read shows no figures, and says so."""

    def __init__(self, window: MainWindow, session: Session, flows: FlowRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window, self._dock, self._session, self._flows = window, window.dock, session, flows
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

    def pause(self, paused: bool) -> None:
        """While requests are timed nothing is read; what was sent meanwhile comes after them."""
        if paused:
            self._timer.stop()
        elif self._client is not None:
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
            self._dock.add(device, series, np.array(some), np.array(values[name]))
        if times:
            self._add_memory()

    def _add_memory(self) -> None:
        """What the processes of the work that runs have in memory together."""
        total = float(sum(resident_bytes(pid) for pid in self._flows.pids))
        if total >= BORN_BYTES:
            self._dock.add(PROCESSOR, JOB_MEMORY, np.array([time.monotonic()]), np.array([total]))

    def _on_warning(self, text: str) -> None:
        """A GPU was lost: its graphs end there, in words."""
        named = re.search(r"GPU (\d+)", text)
        device = f"gpu{named.group(1)}" if named else self._dock.shown_device
        if device != PROCESSOR:
            self._dock.set_lost(device, text)


def resident_bytes(pid: int) -> int:
    """0 for a process that is over."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def devices(found: DescribeResult) -> list[DeviceValue]:
    """GPUs first, the processor always."""
    gpus = [
        DeviceValue(f"gpu{index}", name, "gpu", memory_total_bytes=_gpu_memory_bytes(found, index))
        for index, name in enumerate(found.device.gpus)
    ]
    total = float(psutil.virtual_memory().total)
    processor = DeviceValue(PROCESSOR, found.device.processor, "processor", found.device.cores, total)
    return [*gpus, processor]


def _gpu_memory_bytes(found: DescribeResult, index: int) -> float | None:
    """The row of the device says "24 GiB, compute capability 8.9"."""
    row = next((row for row in found.devices if row.id == f"cuda:{index}"), None)
    told = re.match(r"([\d.]+) GiB", row.summary) if row is not None else None
    return float(told.group(1)) * (1 << 30) if told else None
