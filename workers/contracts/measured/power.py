"""Power settings of a computer and their description."""

from workers.contracts.base import Frozen
from workers.contracts.translation import _, joined, mark

ADAPTIVE = ("intel_pstate", "amd-pstate-epp")
"""Drivers whose governor "powersave" is the default and reaches full speed; their preference saves power instead.

Source: the kernel's intel_pstate.rst.
"""


class PowerFacts(Frozen):
    """Settings that decide how fast the processor may run; None if the computer does not report them.

    Attributes:
        governor: Governor of Linux's CPUFreq; so are `driver` and `preference`. Values of different cores are joined by
            "/".
        boost: Cores may exceed their base clock.
        on_battery: The computer runs on battery.
    """

    governor: str | None = None
    driver: str | None = None
    preference: str | None = None
    min_mhz: float | None = None
    max_mhz: float | None = None
    boost: bool | None = None
    on_battery: bool | None = None


def saves_power(power: PowerFacts) -> bool:
    """Return whether a setting holds the processor below its full speed."""
    if power.driver in ADAPTIVE:
        return "power" in (power.preference or "").split("/")
    return "powersave" in (power.governor or "").split("/")


def power_words(power: PowerFacts) -> str:
    """Return the known settings as text: ``on battery, governor performance, up to 3.2 GHz``; "" if none is known."""
    parts = [] if power.on_battery is None else [_("on battery") if power.on_battery else _("on mains power")]
    if power.governor is not None:
        parts.append(_("governor {0}").format(power.governor))
    if power.max_mhz is not None:
        parts.append(_("up to {0:.1f} GHz").format(power.max_mhz / 1000))
    return joined(parts, ", ")


def power_warning(power: PowerFacts) -> str | None:
    """Return a warning if power settings make times unusual for this computer; None if they do not."""
    if power.on_battery:
        return mark("This computer runs on battery, which slows it down: connect it to mains power, and measure again.")
    if saves_power(power):
        setting = (
            _("preference {0}").format(power.preference)
            if power.driver in ADAPTIVE
            else _("governor {0}").format(power.governor)
        )
        return _("This computer saves power ({0}): times may be longer, and vary more, than at full speed.").format(
            setting
        )
    return None
