"""GPU readings against a stand-in for NVML whose values and failures come from a text file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from stand_in_driver import run_beside

READER = """
import json, sys
from pathlib import Path
from workers.measure.telemetry import Telemetry
reported, (file, *moments) = [], sys.argv[1:]
Path(file).write_text(moments[0])
telemetry = Telemetry(reported.append)
for readings in moments:
    Path(file).write_text(readings)
    print(json.dumps([{name: one for name, one in telemetry.read().items() if name.startswith("gpu")}, reported]))
    reported.clear()
telemetry.close()
"""
SHOWN = ("load_pct", "memory_bytes", "temperature_c", "power_w")
Read = Callable[..., list[tuple[dict[str, float], list[str]]]]


@pytest.fixture
def read(nvml_dir: Path, tmp_path: Path) -> Read:
    """Return a function that sets the stand-in's readings at each moment and returns the values and reported sentences."""

    def run(*moments: Mapping[str, int]) -> Any:
        texts = ["".join(f"{name}={value}\n" for name, value in readings.items()) for readings in moments]
        file = tmp_path / "readings"
        file.touch()
        return run_beside(nvml_dir, READER, file, *texts, FETTLE_FAKENVML_FILE=file)

    return run


def readings_of(gpu: int, *values: int) -> dict[str, int]:
    """Return the stand-in's load, used memory, temperature and power in milliwatts of one GPU."""
    return {f"{gpu}.{name}": value for name, value in zip(("util", "used", "temp", "power"), values, strict=True)}


def series_of(gpu: int, util: int, used: int, temp: int, power_mw: int) -> dict[str, float]:
    return {f"gpu{gpu}/{name}": value for name, value in zip(SHOWN, (util, used, temp, power_mw / 1000), strict=True)}


def shown(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name.rpartition("/")[2] in SHOWN}


def test_changing_values_of_two_gpus_are_read(read: Read) -> None:
    """Given two GPUs whose values change, then every reading equals the stand-in's."""
    first = [(10 + step, 1_000_000_000 + step, 40 + step, 38_000 + 500 * step) for step in range(4)]
    second = [(90 - step, 9_000_000_000 - step, 70 - step, 300_000 - 250 * step) for step in range(4)]
    pairs = list(zip(first, second, strict=True))
    moments = read(*({**readings_of(0, *one), **readings_of(1, *other)} for one, other in pairs))
    for (values, reported), (one, other) in zip(moments, pairs, strict=True):
        assert shown(values) == {**series_of(0, *one), **series_of(1, *other)} and reported == []


def test_lost_gpu_is_reported_once(read: Read) -> None:
    """Given two GPUs, when one is lost, then that is reported once, and only the other one has values."""
    both = {**readings_of(0, 5, 100, 41, 30_000), **readings_of(1, 6, 200, 42, 60_000)}
    before, lost, after = read(both, {**both, "1.fail.nvmlDeviceGetUtilizationRates": 15}, both)
    assert len(shown(before[0])) == 8 and before[1] == []
    assert shown(lost[0]) == shown(after[0]) == series_of(0, 5, 100, 41, 30_000)
    assert len(lost[1]) == 1 and "GPU 1 (NVIDIA FAKE H100) is lost" in lost[1][0] and after[1] == []


def test_unsupported_values_are_left_out(read: Read) -> None:
    """Given a GPU without load (3), with forbidden power (4) and old calls only, then the other values are read."""
    fails = {"UtilizationRates": 3, "PowerUsage": 4, "MemoryInfo_v2": 13, "TemperatureV": 13}
    readings = {**readings_of(0, 5, 100, 41, 30_000), "0.reserved": 11, "count": 1}
    ((values, reported),) = read(readings | {f"0.fail.nvmlDeviceGet{name}": code for name, code in fails.items()})
    assert shown(values) == {"gpu0/memory_bytes": 111, "gpu0/temperature_c": 41} and reported == []


def test_clocks_energy_and_bus_are_read_in_their_units(read: Read) -> None:
    """Given clocks, reasons for slowing down, energy and reserved memory, then each is read in its unit."""
    more = {"0.sm": 2520, "0.mem": 10501, "0.reasons": 0x40, "0.energy": 5000, "0.reserved": 77, "count": 1}
    ((values, _),) = read({**readings_of(0, 5, 100, 41, 30_000), **more})
    wanted = {
        "clock_hz": 2.52e9, "memory_clock_hz": 10.501e9, "throttle_mask": 0x40, "energy_j": 5.0, "reserved_bytes": 77,
        "pcie_sent_bytes_per_s": 3 << 20,
    }  # fmt: skip
    assert {name: values[f"gpu0/{name}"] for name in wanted} == wanted


def test_driver_that_does_not_respond_is_reported(read: Read) -> None:
    """Given a library whose driver is not loaded, then there are no GPUs, and one sentence reports it."""
    ((values, reported),) = read({"fail.nvmlInitWithFlags": 9})
    assert values == {} and len(reported) == 1 and "driver" in reported[0]
