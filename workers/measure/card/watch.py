"""Sample a busy card through NVML: energy, power, reasons for throttling, use by other programs.

Source: NVML API reference (nvmlDeviceGetTotalEnergyConsumption in mJ, nvmlDeviceGetPowerUsage in mW,
nvmlDeviceGetProcessUtilization with time stamps in µs). Each may be missing on a card; a missing value is None.
"""

import os
import threading
import time
from typing import Any

from workers.contracts.measured.card_figures import CardEnergy
from workers.measure.card.figures import joules_of
from workers.measure.gpu import GpuLostError, GpuReader

EVERY_S = 0.05
MIN_ENERGY_S = 2.0
"""Shortest time in seconds for an energy figure.

Counters and power readings are renewed every 20 to 100 ms (Yang et al., “Accurate and Convenient Energy Measurements
for GPUs”, SC 2024), so shorter times would be off by more than a twentieth.
"""

COUNTER, POWER, MASK = "energy_j", "power_w", "throttle_mask"


class CardWatch:
    """A context that samples the card 20 times a second, so no single request must be timed inside.

    `masks` are NVML's reasons for the clocks. `other_share` is the share of the card that other programs used,
    0..1; None where the card does not report it.
    """

    def __init__(self, reader: GpuReader) -> None:
        """Prepare sampling of the card of `reader`."""
        self._reader = reader
        self.masks: set[int] = set()
        self.other_share: float | None = None
        self._times_s: list[float] = []
        self._watts: list[float] = []
        self._joules: tuple[float, float] | None = None
        self._began_s = self._seconds = 0.0
        self._since_us = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, name="card watch", daemon=True)

    def __enter__(self) -> "CardWatch":
        """Start sampling."""
        self._since_us = int(time.time() * 1e6)
        before = self._one(COUNTER)
        self._joules = None if before is None else (before, before)
        self._began_s = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sampling and read the final counters."""
        after = self._one(COUNTER)
        self._seconds = time.perf_counter() - self._began_s
        self._end.set()
        self._thread.join()
        self._joules = None if self._joules is None or after is None else (self._joules[0], after)
        self.other_share = others_share(self._reader, self._since_us, os.getpid())

    def energy(self, requests: int) -> CardEnergy | None:
        """Return the energy of the whole time for `requests` requests.

        Return None where the card reports neither energy nor power, the counter did not move, or the time was too
        short.
        """
        if self._seconds < MIN_ENERGY_S or not requests:
            return None
        if self._joules is not None and self._joules[1] > self._joules[0]:
            joules = self._joules[1] - self._joules[0]
            return CardEnergy(joules=joules, seconds=self._seconds, requests=requests, source="counter")
        sampled = joules_of(self._times_s, self._watts)
        if not sampled:
            return None
        joules = sampled / (self._times_s[-1] - self._times_s[0]) * self._seconds
        return CardEnergy(joules=joules, seconds=self._seconds, requests=requests, source="power")

    def _sample_on(self) -> None:
        while not self._end.wait(EVERY_S):
            watts, mask = self._one(POWER), self._one(MASK)
            if watts is not None:
                self._times_s.append(time.perf_counter())
                self._watts.append(watts)
            if mask is not None:
                self.masks.add(int(mask))

    def _one(self, quantity: str) -> float | None:
        try:
            return self._reader.read_one(quantity)
        except GpuLostError:
            return None


def others_share(reader: GpuReader, since_us: int, own_pid: int) -> float | None:
    """Return the largest share (0..1) of the card's time that other processes used together at any moment since then.

    Processes that only hold memory use none. The result is None where the driver does not report use by process, or
    does not list this busy process under its own number: containers with their own process numbers do not allow a
    distinction.
    """
    nvml: Any = reader.nvml
    try:
        found = nvml.nvmlDeviceGetProcessUtilization(reader.handle, since_us)
    except nvml.NVMLError:
        return None
    fresh = [one for one in found if int(one.timeStamp) >= since_us]
    if all(int(one.pid) != own_pid for one in fresh):
        return None
    by_moment: dict[int, int] = {}
    for one in fresh:
        if int(one.pid) != own_pid:
            by_moment[int(one.timeStamp)] = by_moment.get(int(one.timeStamp), 0) + int(one.smUtil)
    return min(1.0, max(by_moment.values(), default=0) / 100)
