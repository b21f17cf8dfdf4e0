"""Energy counters: the stand-in for NVML, files of RAPL, and machines without a counter."""

from pathlib import Path

import pytest
from stand_in_driver import run_beside

from workers.measure.energy import EnergyMeter, rapl_counter

READER = """
import sys
from pathlib import Path
from workers.measure.energy import EnergyMeter
file = Path(sys.argv[1])
for case in sys.argv[2:]:
    before, after, seconds = case.split("|")
    file.write_text(before)
    meter = EnergyMeter("cuda:0", ())
    file.write_text(after)
    print(meter.read(float(seconds), 500).model_dump_json(context=None))
"""
FAILS = "0.fail.nvmlDeviceGetTotalEnergyConsumption="


def test_gpu_counter_gives_joules_or_a_reason(nvml_dir: Path, tmp_path: Path) -> None:
    """Given a counter in millijoules, too short a time, a card without a counter, or one that is lost meanwhile, then the
    result is the difference in joules with its source, or a reason."""
    cases = ("0.energy=1000000|0.energy=1750000|12", "0.energy=1000|0.energy=2000|4", f"{FAILS}3||12", f"|{FAILS}15|12")
    file = tmp_path / "readings"
    file.touch()
    known, *others = run_beside(nvml_dir, READER, file, *cases, FETTLE_FAKENVML_FILE=file)
    source = "NVML, NVIDIA FAKE RTX 4090 with everything that ran on it"
    assert (known["joules"], known["source"], known["answers"], known["note"]) == (750.0, source, 500, "")
    for energy, note in zip(others, ("at least 10 s", "This GPU does not report", "stopped responding"), strict=True):
        assert energy["joules"] is None and note in energy["note"]


def rapl(folder: Path, energy_uj: int, range_uj: int = 262_143_328_850) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n", encoding="ascii")
    file = folder / "energy_uj"
    file.write_text(f"{energy_uj}\n", encoding="ascii")
    return file


def test_rapl_counters_are_added_and_wrap_each(tmp_path: Path) -> None:
    """Given two processors whose counters wrap at different values, then each counter is unwrapped before they are added."""
    files = [rapl(tmp_path / "a", 5_000_000, 262_000_000), rapl(tmp_path / "b", 90_000_000, 100_000_000)]
    meter = EnergyMeter("cpu", [str(file) for file in files])
    rapl(tmp_path / "a", 8_000_000, 262_000_000)
    rapl(tmp_path / "b", 95_000_000, 100_000_000)
    energy = meter.read(10.0, 100)
    assert energy.joules == pytest.approx(8.0) and "RAPL" in energy.source
    counter = rapl_counter(files)
    assert counter.between((10.0, 95.0), (12.0, 3.0)) == pytest.approx(10.0)
    assert counter.between((10.0, 95.0), (200.0, 3.0)) == pytest.approx(198.0)


def test_computer_without_counters_has_a_reason() -> None:
    """Given no counter, or one that cannot be read, then there is a note instead of joules."""
    for files in ((), ("/nowhere/energy_uj",)):
        energy = EnergyMeter("cpu", files).read(60.0, 10)
        assert energy.joules is None and energy.note.startswith("This computer does not report how much energy")
