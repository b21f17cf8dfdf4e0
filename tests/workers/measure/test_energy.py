"""Energy counters: the stand-in for NVML, files as RAPL has them, and machines that tell nothing."""

from pathlib import Path

import pytest
from stand_in_driver import run_beside

from workers.measure.energy import EnergyMeter, rapl_counter

READER = """
import sys
from pathlib import Path
from workers.measure.energy import EnergyMeter
meter = EnergyMeter.begin("cuda:0", ())
Path(sys.argv[1]).write_text(sys.argv[2])
print(meter.read(float(sys.argv[3]), 500).model_dump_json())
"""


def gpu_energy(nvml_dir: Path, file: Path, before: str, after: str, seconds: float) -> dict[str, object]:
    """What a process of its own reads whose GPU's counter goes from `before` to `after`."""
    file.write_text(before)
    (found,) = run_beside(nvml_dir, READER, file, after, seconds, FETTLE_FAKENVML_FILE=file)
    return found


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
    """Given a counter in millijoules, too short a time, a card without one, or one that is lost meanwhile, Then its
    difference in joules with its source, or a sentence."""
    found = gpu_energy(nvml_dir, tmp_path / "readings", before, after, seconds)
    assert found["joules"] == joules and note in str(found["note"]) and bool(note) == bool(found["note"])
    if joules is not None:
        assert (
            found["source"] == "NVML, NVIDIA FAKE RTX 4090 with everything that ran on it" and found["answers"] == 500
        )


def rapl(folder: Path, energy_uj: int, range_uj: int = 262_143_328_850) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n", encoding="ascii")
    file = folder / "energy_uj"
    file.write_text(f"{energy_uj}\n", encoding="ascii")
    return file


def test_processors_are_summed_and_each_wraps_at_its_own_end(tmp_path: Path) -> None:
    """Given two processors with different ends, When one wraps, or when the other's gain hides it, Then each counts by itself."""
    files = [rapl(tmp_path / "a", 5_000_000, 262_000_000), rapl(tmp_path / "b", 90_000_000, 100_000_000)]
    meter = EnergyMeter.begin("cpu", [str(file) for file in files])
    rapl(tmp_path / "a", 8_000_000, 262_000_000)
    rapl(tmp_path / "b", 95_000_000, 100_000_000)
    found = meter.read(10.0, 100)
    assert found.joules == pytest.approx(8.0) and "RAPL" in found.source
    counter = rapl_counter(files)
    assert counter.between((10.0, 95.0), (12.0, 3.0)) == pytest.approx(10.0)
    assert counter.between((10.0, 95.0), (200.0, 3.0)) == pytest.approx(198.0)


def test_a_computer_without_counters_says_so() -> None:
    meter = EnergyMeter.begin("cpu", ())
    found = meter.read(60.0, 10)
    assert found.joules is None and found.note.startswith("This computer does not report how much energy")
    gone = EnergyMeter.begin("cpu", ["/nowhere/energy_uj"]).read(60.0, 10)
    assert gone.joules is None and gone.note
