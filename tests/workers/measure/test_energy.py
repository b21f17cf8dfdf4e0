"""Energy counters: the stand-in for NVML, files as RAPL has them, and machines that tell nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.measure.energy import EnergyMeter, RaplCounter

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "tests" / "fixtures" / "fakenvml.c"
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
    env = {**os.environ, "LD_LIBRARY_PATH": str(nvml_dir), "FETTLE_FAKENVML_FILE": str(file), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", READER, str(file), after, str(seconds)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_gpus_counter_is_read_before_and_after(nvml_dir: Path, tmp_path: Path) -> None:
    """Given a counter in millijoules, Then its difference in joules, with its source."""
    found = gpu_energy(nvml_dir, tmp_path / "readings", "0.energy=1000000\n", "0.energy=1750000\n", 12.0)
    assert found["joules"] == 750.0 and found["answers"] == 500 and found["note"] == ""
    assert found["source"] == "NVML, NVIDIA FAKE RTX 4090 with everything that ran on it"


def test_under_ten_seconds_nothing_is_said(nvml_dir: Path, tmp_path: Path) -> None:
    found = gpu_energy(nvml_dir, tmp_path / "readings", "0.energy=1000\n", "0.energy=2000\n", 4.0)
    assert found["joules"] is None and "10 s at least" in str(found["note"])


def test_a_gpu_that_does_not_count_is_told(nvml_dir: Path, tmp_path: Path) -> None:
    """Given NOT_SUPPORTED (3) from the beginning, or a GPU that is lost (15) meanwhile, Then a sentence, no figure."""
    fails = "0.fail.nvmlDeviceGetTotalEnergyConsumption="
    found = gpu_energy(nvml_dir, tmp_path / "readings", f"{fails}3\n", "", 12.0)
    assert found["joules"] is None and "This GPU does not tell" in str(found["note"])
    found = gpu_energy(nvml_dir, tmp_path / "readings", "", f"{fails}15\n", 12.0)
    assert found["joules"] is None and "stopped answering" in str(found["note"])


def rapl(folder: Path, energy_uj: int, range_uj: int = 262_143_328_850) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n", encoding="ascii")
    file = folder / "energy_uj"
    file.write_text(f"{energy_uj}\n", encoding="ascii")
    return file


def test_processors_are_summed_and_wrap(tmp_path: Path) -> None:
    """Given two processors of which one begins again at its end, Then the energy is still right."""
    files = [rapl(tmp_path / "a", 5_000_000), rapl(tmp_path / "b", 90_000_000, 100_000_000)]
    meter = EnergyMeter.begin("cpu", [str(file) for file in files])
    rapl(tmp_path / "a", 8_000_000)
    rapl(tmp_path / "b", 95_000_000, 100_000_000)
    found = meter.read(10.0, 100)
    assert found.joules == pytest.approx(8.0) and "RAPL" in found.source


def test_one_processors_wrap_adds_its_own_range_only(tmp_path: Path) -> None:
    """Given two processors with different ends, When one wraps, or when the other's gain hides it, Then each counts
    by itself."""
    files = [rapl(tmp_path / "a", 0, 262_000_000), rapl(tmp_path / "b", 0, 100_000_000)]
    counter = RaplCounter(files)
    assert counter.between((10.0, 95.0), (12.0, 3.0)) == pytest.approx(10.0)
    assert counter.between((10.0, 95.0), (200.0, 3.0)) == pytest.approx(198.0)


def test_a_computer_without_counters_says_so() -> None:
    meter = EnergyMeter.begin("cpu", ())
    found = meter.read(60.0, 10)
    assert found.joules is None and found.note.startswith("This computer does not tell how much energy")
    gone = EnergyMeter.begin("cpu", ["/nowhere/energy_uj"]).read(60.0, 10)
    assert gone.joules is None and gone.note
