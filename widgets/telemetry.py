"""Describe the working machine in words: devices, their series, figures and ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from widgets.parts.format import UNKNOWN, percent_of, size_bytes
from workers.contracts.translation import _, localized

Series = Literal["load_pct", "memory_bytes", "temperature_c", "power_w", "frequency_hz"]
GPU_SERIES: tuple[Series, ...] = ("load_pct", "memory_bytes", "temperature_c", "power_w")
PROCESSOR_SERIES: tuple[Series, ...] = ("load_pct", "memory_bytes", "frequency_hz")
JOB_MEMORY = "job_memory_bytes"
THROTTLE = "throttle_mask"
TOKENS_BY_SERIES: dict[Series, str] = {
    "load_pct": "s1",
    "memory_bytes": "s2",
    "temperature_c": "s3",
    "power_w": "s4",
    "frequency_hz": "s4",
}


@dataclass(frozen=True)
class DeviceValue:
    """A watched device; `cores`, totals and limits are None if they are unknown."""

    id: str
    name: str
    kind: Literal["gpu", "processor"] = "processor"
    cores: int | None = None
    memory_total_bytes: float | None = None
    power_limit_w: float | None = None


MAKERS = ("NVIDIA ", "GeForce ")
"""Makers' names at the start of GPU names, which a short list omits."""


def short_names(devices: Sequence[DeviceValue]) -> list[str]:
    """Return the names for a short list: without the maker, and with a number for GPUs of the same name."""
    names = [_short(device.name) for device in devices]
    return [
        f"{name} ({device.id.removeprefix('gpu')})" if names.count(name) > 1 else name
        for name, device in zip(names, devices, strict=True)
    ]


def _short(name: str) -> str:
    for maker in MAKERS:
        name = name.removeprefix(maker)
    return name


def series_of(device: DeviceValue) -> tuple[Series, ...]:
    """Return the series of a device in display order."""
    return GPU_SERIES if device.kind == "gpu" else PROCESSOR_SERIES


def title_of(device: DeviceValue, series: Series, *, short: bool = False) -> str:
    """Return the name of a figure, such as "GPU load" or "Processor load"; `short` is for the slim line."""
    gpu = device.kind == "gpu"
    names: dict[Series, tuple[str, str]] = {
        "load_pct": (_("GPU load"), _("Processor load")),
        "memory_bytes": (_("Memory") if short else _("GPU memory"), _("Memory")),
        "temperature_c": (_("Temperature") if short else _("GPU temperature"), _("Temperature")),
        "power_w": (_("Power") if short else _("GPU power"), _("Power")),
        "frequency_hz": (_("GPU frequency"), _("Frequency") if short else _("Processor frequency")),
    }
    return names[series][0 if gpu else 1]


def figure_of(series: Series, value: float | None) -> str:
    """Return the value as text: 94 %, 412 MB, 61 °C, 38 W, 3.6 GHz."""
    if value is None:
        return UNKNOWN
    if series == "memory_bytes":
        return size_bytes(value)
    if series == "frequency_hz":
        return f"{localized(value / 1e9, '.1f')} GHz" if value >= 1e9 else f"{localized(value / 1000000.0, '.0f')} MHz"
    if series == "load_pct":
        return percent_of(round(value))
    unit = {"temperature_c": "°C", "power_w": "W"}[series]
    return f"{localized(value, '.0f')} {unit}"


def total_of(value: float) -> str:
    """Return a nominal size as text: 16 GB and not 16.0 GB."""
    return size_bytes(value).replace(".0 ", " ")


def used_of_total(used: float, total: float) -> str:
    """Return "5.2 of 16 GB": a common unit appears once."""
    left, right = size_bytes(used), total_of(total)
    same = left.rsplit(" ", 1)[-1] == right.rsplit(" ", 1)[-1]
    return _("{0} of {1}").format(left.rsplit(" ", 1)[0] if same else left, right)


def note_of(device: DeviceValue, series: Series, *, of_job: bool) -> str:
    """Return the note at a figure; "" if nothing is known."""
    if series == "load_pct" and device.cores:
        return _("of {0} cores").format(device.cores) if device.cores > 1 else _("of 1 core")
    if series == "memory_bytes" and device.memory_total_bytes:
        total = total_of(device.memory_total_bytes)
        return _("used by this job, of {0}").format(total) if of_job else _("of {0}").format(total)
    if series == "power_w" and device.power_limit_w:
        return _("of {0} W").format(localized(device.power_limit_w, ".0f"))
    return ""


def held_back(series: Series, mask: int) -> str:
    """Return NVML's reason for a slowdown with its figure: heat at the temperature, a limit at the power."""
    from workers.contracts.gpu import slow_downs  # needs pydantic, which is imported after the first paint

    reasons = set(slow_downs(mask))
    if series == "temperature_c" and reasons & {"software_thermal", "hardware_thermal"}:
        return _("slowed down by heat")
    if series == "power_w" and reasons & {"power_cap", "power_brake"}:
        return _("limited by power")
    if series == "load_pct" and reasons == {"hardware_slowdown"}:
        return _("slowed down by its hardware")
    return ""


def range_note(low_hz: float, high_hz: float) -> str:
    """Return the note about a frequency from its range in the last seconds."""
    if low_hz >= 0.95 * high_hz:
        return _("steady")
    return _("{0} to {1} GHz").format(localized(low_hz / 1e9, ".1f"), localized(high_hz / 1e9, ".1f"))


def top_of(device: DeviceValue, series: Series, *, of_job: bool) -> float | None:
    """Return the upper end of the graph's range; None if it grows with the values."""
    if series in ("load_pct", "temperature_c"):
        return 100.0
    if series == "memory_bytes":
        return None if of_job else device.memory_total_bytes
    return device.power_limit_w if series == "power_w" else None


def jobs_text(count: int) -> str:
    """Return how many jobs run, as text."""
    if count == 0:
        return _("No job running")
    return _("1 job running") if count == 1 else _("{0} jobs running").format(count)
