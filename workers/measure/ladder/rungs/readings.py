"""Check which readings the card provides."""

from collections.abc import Callable

from workers.contracts.gpu import GpuCard, RungResult, slow_down_words, slow_downs
from workers.contracts.translation import _
from workers.contracts.wording import percent_of
from workers.measure.gpu import Absence, GpuLostError, open_gpus
from workers.measure.gpu_state import LOST, LOST_HINT
from workers.measure.ladder.rung import Rung, broken, holds

SHOWN: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("load_pct", lambda value: _("{0} load").format(percent_of(value, 0))),
    ("memory_bytes", lambda value: _("{0:.1f} GiB used").format(value / 2**30)),
    ("temperature_c", lambda value: f"{value:.0f} °C"),
    ("power_w", lambda value: f"{value:.0f} W"),
)
NAMES = {
    "load_pct": "load",
    "memory_bytes": "memory",
    "reserved_bytes": "reserved memory",
    "temperature_c": "temperature",
    "power_w": "power",
    "clock_hz": "clock",
    "memory_clock_hz": "memory clock",
    "throttle_mask": "reasons for slowing down",
    "energy_j": "energy",
    "pcie_sent_bytes_per_s": "bus, sent",
    "pcie_received_bytes_per_s": "bus, received",
}
WHY: dict[Absence, str] = {
    "not_supported": "not supported by this card",
    "no_permission": "your account may not read it",
    "failed": "not reported by this driver",
}


def _readings(card: GpuCard | None) -> RungResult:
    opened = open_gpus()
    try:
        reader = opened.reader(card.index if card is not None else 0)
        if reader is None:
            return broken("silent", "", "The card does not respond to NVML.", "Restart the computer.")
        values = reader.read()
        shares = reader.processes() is not None
    except GpuLostError as error:
        return broken("gpu_lost", "", LOST.format(error), LOST_HINT)
    finally:
        opened.close()
    report = ", ".join(words(values[name]) for name, words in SHOWN if name in values)
    gone = [f"{NAMES[name]} ({WHY[why]})" for name, why in reader.missing.items()]
    gone += [] if shares else ["memory of each program (not reported by this driver)"]
    missing = _(" Not available: {0}.").format(", ".join(gone)) if gone else ""
    why = slow_down_words(slow_downs(int(values.get("throttle_mask", 0))))
    slowed = _(" It is slowing down now: {0}.").format(why) if why else ""
    return holds(f"{report or 'It responds'}.{slowed}{missing}")


RUNGS = (Rung("readings", "Readings of the card", 90, _readings, needs=("driver",)),)
