"""How a computer is powered, and what is said of it."""

from workers.contracts.base import Frozen

ADAPTIVE = ("intel_pstate", "amd-pstate-epp")
"""With these drivers the governor "powersave" is the usual one and goes to full speed (kernel's intel_pstate.rst); what
saves power is the preference."""


class PowerFacts(Frozen):
    """What decides how fast the processor may run; None where the machine does not tell.

    `governor`, `driver` and `preference` are those of Linux's CPUFreq, several joined by "/" where cores differ.
    `boost`: cores may go beyond their base clock. `on_battery`: no mains.
    """

    governor: str | None = None
    driver: str | None = None
    preference: str | None = None
    min_mhz: float | None = None
    max_mhz: float | None = None
    boost: bool | None = None
    on_battery: bool | None = None


def saves_power(power: PowerFacts) -> bool:
    """Whether the processor is held below its full speed by a setting."""
    if power.driver in ADAPTIVE:
        return "power" in (power.preference or "").split("/")
    return "powersave" in (power.governor or "").split("/")


def power_words(power: PowerFacts) -> str:
    """``on battery, governor performance, up to 3.2 GHz``: as far as it is known, "" where nothing is."""
    said = [] if power.on_battery is None else ["on battery" if power.on_battery else "on mains power"]
    if power.governor is not None:
        said.append(f"governor {power.governor}")
    if power.max_mhz is not None:
        said.append(f"up to {power.max_mhz / 1000:.1f} GHz")
    return ", ".join(said)


def power_warning(power: PowerFacts) -> str | None:
    """What makes times differ from those of the same computer at work; None where nothing does."""
    if power.on_battery:
        return "This computer runs on battery, which slows it down: connect it to mains power, and measure again."
    if saves_power(power):
        setting = f"preference {power.preference}" if power.driver in ADAPTIVE else f"governor {power.governor}"
        return f"This computer saves power ({setting}): times may be longer, and vary more, than at full speed."
    return None
