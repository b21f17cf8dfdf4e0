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
reported = []
telemetry = Telemetry(reported.append)
for line in sys.stdin:
    print(json.dumps({"values": telemetry.read(), "reported": reported}), flush=True)
    reported.clear()
telemetry.close()
"""


SHOWN = ("load_pct", "memory_bytes", "temperature_c", "power_w")


class Reader:
    """A separate process, because the library's path must be set before it starts."""

    def __init__(self, nvml_dir: Path, readings: Path) -> None:
        self._readings = readings
        env, pipe = environment(nvml_dir, FETTLE_FAKENVML_FILE=readings), subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", READER], stdin=pipe, stdout=pipe, text=True, env=env)

    def read(self, file: Mapping[str, int]) -> tuple[dict[str, float], list[str]]:
        """Write `file` as the stand-in's readings and read once; return the GPUs' values and the reported sentences."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self._readings.write_text("".join(f"{key}={value}\n" for key, value in file.items()))
        self.process.stdin.write("read\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.all = {k: v for k, v in answer["values"].items() if k.startswith("gpu")}
        return {k: v for k, v in self.all.items() if k.rpartition("/")[2] in SHOWN}, answer["reported"]

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


def test_changing_values_of_two_gpus_are_read(reader: Reader) -> None:
    """Given two GPUs whose values change, then every reading equals the stand-in's."""
    for step in range(4):
        first = (10 + step, 1_000_000_000 + step, 40 + step, 38_000 + 500 * step)
        second = (90 - step, 9_000_000_000 - step, 70 - step, 300_000 - 250 * step)
        values, reported = reader.read(file={**file_of(0, *first), **file_of(1, *second)})
        assert values == {**series_of(0, *first), **series_of(1, *second)}
        assert reported == []


def test_lost_gpu_is_reported_once(reader: Reader) -> None:
    """Given two GPUs, when one is lost, then that is reported once, and only the other one has values."""
    before = {**file_of(0, 5, 100, 41, 30_000), **file_of(1, 6, 200, 42, 60_000)}
    values, reported = reader.read(file=before)
    assert len(values) == 8 and reported == []
    lost = {**before, "1.fail.nvmlDeviceGetUtilizationRates": 15}
    values, reported = reader.read(file=lost)
    assert values == series_of(0, 5, 100, 41, 30_000)
    assert len(reported) == 1 and "GPU 1 (NVIDIA FAKE H100) is lost" in reported[0]
    values, reported = reader.read(file=before)
    assert values == series_of(0, 5, 100, 41, 30_000) and reported == []


def test_unsupported_values_are_left_out(reader: Reader) -> None:
    """Given a GPU without load (3), with forbidden power (4) and old calls only, then the other values are read."""
    fails = {"UtilizationRates": 3, "PowerUsage": 4, "MemoryInfo_v2": 13, "TemperatureV": 13}
    readings = {**file_of(0, 5, 100, 41, 30_000), "0.reserved": 11, "count": 1}
    readings |= {f"0.fail.nvmlDeviceGet{name}": code for name, code in fails.items()}
    values, reported = reader.read(file=readings)
    assert {name: value for name, value in values.items() if name.startswith("gpu0")} == {
        "gpu0/memory_bytes": 111, "gpu0/temperature_c": 41,
    }  # fmt: skip
    assert reported == []


def test_clocks_energy_and_bus_are_read_in_their_units(reader: Reader) -> None:
    """Given clocks, reasons for slowing down, energy and reserved memory, then each is read in its unit."""
    file = {"0.sm": 2520, "0.mem": 10501, "0.reasons": 0x40, "0.energy": 5000, "0.reserved": 77, "count": 1}
    reader.read(file={**file_of(0, 5, 100, 41, 30_000), **file})
    report = {name.partition("/")[2]: value for name, value in reader.all.items()}
    assert (report["clock_hz"], report["memory_clock_hz"]) == (2.52e9, 10.501e9)
    assert (report["throttle_mask"], report["energy_j"], report["reserved_bytes"]) == (0x40, 5.0, 77)
    assert report["pcie_sent_bytes_per_s"] == 3 << 20


def test_driver_that_does_not_respond_is_reported(nvml_dir: Path, tmp_path: Path) -> None:
    """Given a library whose driver is not loaded, then there are no GPUs, and one sentence reports it."""
    broken = {"fail.nvmlInitWithFlags": 9}
    (tmp_path / "readings").write_text("fail.nvmlInitWithFlags=9\n")
    reader = Reader(nvml_dir, tmp_path / "readings")
    values, reported = reader.read(file=broken)
    reader.close()
    assert values == {}
    assert len(reported) == 1 and "driver" in reported[0]
