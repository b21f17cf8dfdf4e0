"""Describe the power settings of a computer."""

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
def test_power_warning_names_battery_and_saving_settings(power: PowerFacts, warning: str | None) -> None:
    """Given battery or a setting that saves power, Then there is a warning; the usual governor of an adaptive driver
    gives none."""
    text = power_warning(power)
    assert text is None if warning is None else text is not None and warning in text


def test_power_words_contain_known_settings_only() -> None:
    assert power_words(PowerFacts()) == ""
    known = PowerFacts(on_battery=False, governor="performance", max_mhz=3200)
    assert power_words(known) == "on mains power, governor performance, up to 3.2 GHz"
