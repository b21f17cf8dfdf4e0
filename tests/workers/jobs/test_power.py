"""Governor, clocks and source of power, from a made sysfs and from a battery that is played."""

from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from workers.contracts.measured.power import PowerFacts
from workers.jobs.power import power_facts

Battery = namedtuple("Battery", "percent secsleft power_plugged")


def sysfs(root: Path, **policies: dict[str, str]) -> Path:
    for name, files in policies.items():
        folder = root / "cpufreq" / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text + "\n", "ascii")
    return root


def test_settings_of_cores_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two groups of cores and a battery that is not charged, Then both governors, the widest clocks and the battery
    are told."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: Battery(80, 100, False), raising=False)
    one = {"scaling_governor": "schedutil", "scaling_driver": "cpufreq-dt", "scaling_min_freq": "600000"}
    two = {"scaling_governor": "performance", "scaling_driver": "cpufreq-dt", "scaling_max_freq": "2400000"}
    root = sysfs(tmp_path, policy0=one, policy4=two)
    (root / "cpufreq" / "boost").write_text("1", "ascii")
    assert power_facts(root) == PowerFacts(
        governor="performance/schedutil", driver="cpufreq-dt", min_mhz=600, max_mhz=2400, boost=True, on_battery=True
    )


def test_missing_settings_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a machine without CPUFreq and battery, as most servers in a container are, Then nothing is guessed."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None, raising=False)
    assert power_facts(tmp_path) == PowerFacts()


def test_turbo_that_is_off_is_no_boost(tmp_path: Path) -> None:
    """Given Intel's own switch, Then "no turbo" is reported as no boost."""
    (tmp_path / "intel_pstate").mkdir()
    (tmp_path / "intel_pstate" / "no_turbo").write_text("1", "ascii")
    assert power_facts(tmp_path).boost is False
