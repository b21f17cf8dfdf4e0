"""What is said of how a computer is powered."""

import pytest

from workers.contracts.measured.power import PowerFacts, power_warning, power_words


@pytest.mark.parametrize(("power", "warning"), [
    (PowerFacts(), None),
    (PowerFacts(on_battery=False, governor="performance", driver="acpi-cpufreq"), None),
    (PowerFacts(on_battery=True), "on battery"),
    (PowerFacts(governor="powersave", driver="acpi-cpufreq"), "governor powersave"),
    (PowerFacts(governor="powersave", driver="intel_pstate", preference="balance_performance"), None),
    (PowerFacts(governor="powersave", driver="intel_pstate", preference="power"), "preference power"),
])  # fmt: skip
def test_what_slows_it_down_is_warned_of(power: PowerFacts, warning: str | None) -> None:
    """Given battery or a setting that saves power, Then there is a warning; an adaptive driver's usual governor is none."""
    said = power_warning(power)
    assert said is None if warning is None else said is not None and warning in said


def test_only_what_is_known_is_said() -> None:
    assert power_words(PowerFacts()) == ""
    known = PowerFacts(on_battery=False, governor="performance", max_mhz=3200)
    assert power_words(known) == "on mains power, governor performance, up to 3.2 GHz"
