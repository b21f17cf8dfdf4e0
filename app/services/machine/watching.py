"""Read the machine's figures for displays: one process reads all cards."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from app.jobs.client import Crashed
from app.services.flow.steps import JobStep
from app.services.flow.workspace import Workspace
from workers.contracts.base import Nothing
from workers.contracts.gpu import GpuCard
from workers.contracts.jobs import TelemetryParams
from workers.contracts.process.messages import TERMINAL, Limits, Sample

GPU_INTERVAL_S, PROCESSOR_INTERVAL_S = 0.1, 0.5
"""Seconds between two readings; NVML renews its figures about ten times a second."""

PROCESS = "process_bytes"
IS_LOST = "is_lost"


@dataclass
class Readings:
    """New readings since the last poll: times (monotonic seconds) and values by device and quantity.

    `lost` devices no longer respond. `is_over` means that no readings follow.
    """

    times_s: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: list[str] = field(default_factory=list)
    is_over: bool = False


class MachineReader:
    """The process that samples the machine; owned by the window's page. `poll` never waits."""

    def __init__(self, workspace: Workspace, *, has_gpus: bool) -> None:
        """Start the sampler."""
        interval_s = GPU_INTERVAL_S if has_gpus else PROCESSOR_INTERVAL_S
        params = TelemetryParams(interval_s=interval_s, processor_s=PROCESSOR_INTERVAL_S)
        limits = Limits(cpu_s=None, gpu=has_gpus)
        step = JobStep("telemetry", params, Nothing, "", threads=1, limits=limits)
        self._client = workspace.pool.take()
        self._client.start(workspace.new_job(step, params.model_dump(mode="json")))

    def poll(self) -> Readings:
        """Return the new readings."""
        readings = Readings()
        for message in self._client.poll():
            if isinstance(message, Sample):
                device, _, quantity = message.series.partition("/")
                if quantity == IS_LOST:
                    readings.lost.append(device)
                else:
                    readings.times_s[device, quantity] += message.times_s
                    readings.values[device, quantity] += message.values
            elif isinstance(message, (*TERMINAL, Crashed)):
                readings.is_over = True
        return readings

    def close(self) -> None:
        """End the process."""
        self._client.close()


def device_id(card: GpuCard) -> str:
    """Return the card's name in series: ``gpu1``."""
    return f"gpu{card.index}"


def family_of(pids: list[int]) -> set[int]:
    """Return these processes with all their children."""
    family = set(pids)
    for pid in pids:
        try:
            family |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
        except psutil.Error:
            continue
    return family


def job_bytes(processes: Mapping[int, float], pids: set[int]) -> float | None:
    """Return the GPU memory of these processes in bytes, None if the driver reports none of them."""
    mine = [used for pid, used in processes.items() if pid in pids]
    return sum(mine) if mine else None
