"""Check which readings the card provides."""

from collections.abc import Callable

from workers.contracts.gpu import GpuCard, RungResult, slow_down_words, slow_downs
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import percent_of
from workers.measure.gpu import Absence, GpuLostError, open_gpus
from workers.measure.gpu_state import LOST, LOST_HINT
from workers.measure.ladder.rung import Rung, broken, holds

SHOWN: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("load_pct", lambda value: _("{0} load").format(percent_of(value, 0))),
    ("memory_bytes", lambda value: _("{0:.1f} GiB used").format(value / 2**30)),
    ("temperature_c", lambda value: _("{0:.0f} °C").format(value)),
    ("power_w", lambda value: _("{0:.0f} W").format(value)),
)
NAMES = {
    "load_pct": mark("load"),
    "memory_bytes": mark("memory"),
    "reserved_bytes": mark("reserved memory"),
    "temperature_c": mark("temperature"),
    "power_w": mark("power"),
    "clock_hz": mark("clock"),
    "memory_clock_hz": mark("memory clock"),
    "throttle_mask": mark("reasons for slowing down"),
    "energy_j": mark("energy"),
    "pcie_sent_bytes_per_s": mark("bus, sent"),
    "pcie_received_bytes_per_s": mark("bus, received"),
}
WHY: dict[Absence, str] = {
    "not_supported": mark("not supported by this card"),
    "no_permission": mark("your account may not read it"),
    "failed": mark("not reported by this driver"),
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
        return broken("gpu_lost", "", _(LOST).format(error.args[0]), LOST_HINT)
    finally:
        opened.close()
    report = joined((words(values[name]) for name, words in SHOWN if name in values), ", ")
    gone = [_("{0} ({1})").format(_(NAMES[name]), _(WHY[why])) for name, why in reader.missing.items()]
    gone += [] if shares else [_("memory of each program (not reported by this driver)")]
    why = slow_down_words(slow_downs(int(values.get("throttle_mask", 0))))
    sentences = (
        _("{0}.").format(report) if report else _("It responds."),
        _("It is slowing down now: {0}.").format(why) if why else "",
        _("Not available: {0}.").format(joined(gone, ", ")) if gone else "",
    )
    return holds(joined(sentences))


RUNGS = (Rung("readings", "Readings of the card", 90, _readings, needs=("driver",)),)
