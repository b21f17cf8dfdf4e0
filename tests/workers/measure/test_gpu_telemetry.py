"""GPU readings against a stand-in for NVML whose values and failures come from a text file."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from stand_in_driver import environment

READER = """
import json, sys
from workers.measure.telemetry import Telemetry
said = []
telemetry = Telemetry(said.append)
for line in sys.stdin:
    print(json.dumps({"values": telemetry.read(), "said": said}), flush=True)
    said.clear()
telemetry.close()
"""


SHOWN = ("load_pct", "memory_bytes", "temperature_c", "power_w")


class Reader:
    """A process of its own, since the library's path must be set before it starts."""

    def __init__(self, nvml_dir: Path, readings: Path) -> None:
        self._readings = readings
        env, pipe = environment(nvml_dir, FETTLE_FAKENVML_FILE=readings), subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", READER], stdin=pipe, stdout=pipe, text=True, env=env)

    def read(self, file: Mapping[str, int]) -> tuple[dict[str, float], list[str]]:
        """Write `file` as the stand-in's readings and read once: values of GPUs, and what was said."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self._readings.write_text("".join(f"{key}={value}\n" for key, value in file.items()))
        self.process.stdin.write("read\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.all = {k: v for k, v in answer["values"].items() if k.startswith("gpu")}
        return {k: v for k, v in self.all.items() if k.rpartition("/")[2] in SHOWN}, answer["said"]

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture
def reader(nvml_dir: Path, tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "readings").write_text("")
    reader = Reader(nvml_dir, tmp_path / "readings")
    yield reader
    reader.close()


def file_of(gpu: int, util: int, used: int, temp: int, power_mw: int) -> dict[str, int]:
    return {f"{gpu}.util": util, f"{gpu}.used": used, f"{gpu}.temp": temp, f"{gpu}.power": power_mw}


def series_of(gpu: int, util: int, used: int, temp: int, power_mw: int) -> dict[str, float]:
    return {f"gpu{gpu}/{name}": value for name, value in zip(SHOWN, (util, used, temp, power_mw / 1000), strict=True)}


def test_two_gpus_with_changing_values(reader: Reader) -> None:
    """Given two GPUs whose values change, when they are read, then every reading equals the file."""
    for step in range(4):
        first = (10 + step, 1_000_000_000 + step, 40 + step, 38_000 + 500 * step)
        second = (90 - step, 9_000_000_000 - step, 70 - step, 300_000 - 250 * step)
        values, said = reader.read(file={**file_of(0, *first), **file_of(1, *second)})
        assert values == {**series_of(0, *first), **series_of(1, *second)}
        assert said == []


def test_one_gpu_is_lost_in_the_middle(reader: Reader) -> None:
    """Given two GPUs, when one is lost, then it is told once, has no more values, and the other goes on."""
    before = {**file_of(0, 5, 100, 41, 30_000), **file_of(1, 6, 200, 42, 60_000)}
    values, said = reader.read(file=before)
    assert len(values) == 8 and said == []
    lost = {**before, "1.fail.nvmlDeviceGetUtilizationRates": 15}
    values, said = reader.read(file=lost)
    assert values == series_of(0, 5, 100, 41, 30_000)
    assert len(said) == 1 and "GPU 1 (NVIDIA FAKE H100) is lost" in said[0]
    values, said = reader.read(file=before)
    assert values == series_of(0, 5, 100, 41, 30_000) and said == []


def test_what_is_not_supported_is_left_out(reader: Reader) -> None:
    """Given a GPU that tells no load (3), no right to its power (4), old memory and temperature calls only."""
    fails = {"UtilizationRates": 3, "PowerUsage": 4, "MemoryInfo_v2": 13, "TemperatureV": 13}
    readings = {**file_of(0, 5, 100, 41, 30_000), "0.reserved": 11, "count": 1}
    readings |= {f"0.fail.nvmlDeviceGet{name}": code for name, code in fails.items()}
    values, said = reader.read(file=readings)
    values = {name: value for name, value in values.items() if name.startswith("gpu0")}
    assert values == {"gpu0/memory_bytes": 111, "gpu0/temperature_c": 41}
    assert said == []


def test_what_stands_behind_the_figures(reader: Reader) -> None:
    """Given clocks, reasons for slowing down, energy and what the driver keeps, Then each is read in its unit."""
    file = {"0.sm": 2520, "0.mem": 10501, "0.reasons": 0x40, "0.energy": 5000, "0.reserved": 77, "count": 1}
    reader.read(file={**file_of(0, 5, 100, 41, 30_000), **file})
    report = {name.partition("/")[2]: value for name, value in reader.all.items()}
    assert (report["clock_hz"], report["memory_clock_hz"]) == (2.52e9, 10.501e9)
    assert (report["throttle_mask"], report["energy_j"], report["reserved_bytes"]) == (0x40, 5.0, 77)
    assert report["pcie_sent_bytes_per_s"] == 3 << 20


def test_driver_that_does_not_answer_is_told(nvml_dir: Path, tmp_path: Path) -> None:
    """Given a library whose driver is not loaded, then there are no GPUs and one sentence says so."""
    broken = {"fail.nvmlInitWithFlags": 9}
    (tmp_path / "readings").write_text("fail.nvmlInitWithFlags=9\n")
    reader = Reader(nvml_dir, tmp_path / "readings")
    values, said = reader.read(file=broken)
    reader.close()
    assert values == {}
    assert len(said) == 1 and "driver" in said[0]
