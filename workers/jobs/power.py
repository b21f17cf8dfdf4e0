"""Read the settings that decide the processor's speed: governor, clocks, boost, mains or battery."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.contracts.measured.power import PowerFacts

CPU = Path("/sys/devices/system/cpu")
KHZ = 1000.0


def power_facts(cpu: Path = CPU) -> PowerFacts:
    """Return the settings from sysfs (kernel's admin-guide/pm/cpufreq.rst) and psutil; None if unknown.

    Clocks are the limits of the cores; the current clocks change constantly and mean nothing later.

    Args:
        cpu: Folder of the processor in sysfs, for tests.
    """
    policies = sorted((cpu / "cpufreq").glob("policy*"))
    lows, highs = (_numbers(policies, f"scaling_{name}_freq") for name in ("min", "max"))
    return PowerFacts(
        governor=_joined(policies, "scaling_governor"),
        driver=_joined(policies, "scaling_driver"),
        preference=_joined(policies, "energy_performance_preference"),
        min_mhz=min(lows) / KHZ if lows else None,
        max_mhz=max(highs) / KHZ if highs else _reported_max_mhz(),
        boost=_boost(cpu),
        on_battery=_on_battery(),
    )


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii", errors="replace").strip()
    return ""


def _joined(policies: list[Path], name: str) -> str | None:
    return "/".join(sorted({text for policy in policies if (text := _read(policy / name))})) or None


def _numbers(policies: list[Path], name: str) -> list[float]:
    return [float(text) for policy in policies if (text := _read(policy / name)).isdecimal()]


def _boost(cpu: Path) -> bool | None:
    report = {"1": True, "0": False}.get(_read(cpu / "cpufreq/boost"))
    return report if report is not None else {"1": False, "0": True}.get(_read(cpu / "intel_pstate/no_turbo"))


def _from_psutil(read: Callable[[Any], Any]) -> Any:
    """Return a value of psutil; None if this system or computer does not provide it.

    A missing function raises AttributeError; the other errors are psutil's own for missing values.
    """
    import psutil

    with contextlib.suppress(AttributeError, OSError, NotImplementedError, RuntimeError):
        return read(psutil)
    return None


def _reported_max_mhz() -> float | None:
    clock = _from_psutil(lambda psutil: psutil.cpu_freq())
    return float(clock.max) if clock is not None and clock.max > 0 else None


def _on_battery() -> bool | None:
    """Return whether the computer runs on battery; None without a battery or information about it."""
    supply = _from_psutil(lambda psutil: psutil.sensors_battery())
    return None if supply is None or supply.power_plugged is None else not supply.power_plugged
