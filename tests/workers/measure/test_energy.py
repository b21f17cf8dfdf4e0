"""Energy counters: the stand-in for NVML, files of RAPL, and machines without a counter."""

from pathlib import Path

import pytest
from stand_in_driver import run_beside

from workers.measure.energy import EnergyMeter, rapl_counter

READER = """
import sys
from pathlib import Path
from workers.measure.energy import EnergyMeter
meter = EnergyMeter("cuda:0", ())
Path(sys.argv[1]).write_text(sys.argv[2])
print(meter.read(float(sys.argv[3]), 500).model_dump_json(context=None))
"""


def gpu_energy(nvml_dir: Path, file: Path, before: str, after: str, seconds: float) -> dict[str, object]:
    """Return the energy that a separate process reads while its GPU's counter goes from `before` to `after`."""
    file.write_text(before)
    (energy,) = run_beside(nvml_dir, READER, file, after, seconds, FETTLE_FAKENVML_FILE=file)
    return energy


FAILS = "0.fail.nvmlDeviceGetTotalEnergyConsumption="


@pytest.mark.parametrize(
    ("before", "after", "seconds", "joules", "note"),
    [
        ("0.energy=1000000\n", "0.energy=1750000\n", 12.0, 750.0, ""),
        ("0.energy=1000\n", "0.energy=2000\n", 4.0, None, "at least 10 s"),
        (f"{FAILS}3\n", "", 12.0, None, "This GPU does not report"),
        ("", f"{FAILS}15\n", 12.0, None, "stopped responding"),
    ],
)
def test_gpu_counter_gives_joules_or_a_reason(
    nvml_dir: Path, tmp_path: Path, before: str, after: str, seconds: float, joules: float | None, note: str
) -> None:
    """Given a counter in millijoules, too short a time, a card without a counter, or one that is lost meanwhile, then the
    result is the difference in joules with its source, or a reason."""
    energy = gpu_energy(nvml_dir, tmp_path / "readings", before, after, seconds)
    assert energy["joules"] == joules and note in str(energy["note"]) and bool(note) == bool(energy["note"])
    if joules is not None:
        source = "NVML, NVIDIA FAKE RTX 4090 with everything that ran on it"
        assert (energy["source"], energy["answers"]) == (source, 500)


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
