"""Readings of a busy card, from constructed readers and from the stand-in for NVML in a separate process."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stand_in_driver import run_beside

from workers.measure.card import watch
from workers.measure.card.watch import CardWatch, others_share

CODE = """
import sys, time
from pathlib import Path
from workers.measure.card import watch
from workers.measure.gpu import open_gpus
watch.MIN_ENERGY_S = 0.2
file = Path(sys.argv[1])
for case in sys.argv[2:]:
    before, after = case.replace(";", chr(10)).split("|")
    file.write_text(before)
    with watch.CardWatch(open_gpus().readers[0]) as seen:
        time.sleep(0.3)
        part = file.with_suffix(".part")
        part.write_text(after or before)
        part.replace(file)
    energy = seen.energy(10)
    print("null" if energy is None else energy.model_dump_json())
"""


class NvmlError(Exception):
    pass


def reader(rows: list[tuple[int, int, int]] | None) -> Any:
    """Return a card whose driver lists (pid, time stamp, share in percent), or reports nothing (None)."""

    def listed(handle: object, since_us: int) -> list[Any]:
        if rows is None:
            raise NvmlError
        return [SimpleNamespace(pid=pid, timeStamp=at, smUtil=share) for pid, at, share in rows]

    return SimpleNamespace(nvml=SimpleNamespace(NVMLError=NvmlError, nvmlDeviceGetProcessUtilization=listed), handle=1)


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        (None, None),  # the driver does not report it by process
        ([(7, 200, 90)], None),  # a container with its own process numbers
        ([(1, 200, 95)], 0.0),
        ([(1, 200, 50), (7, 50, 90)], 0.0),  # before the busy seconds
        ([(1, 200, 50), (7, 200, 20), (8, 200, 10), (7, 300, 25)], 0.3),
        ([(1, 200, 50), (7, 200, 80), (8, 200, 80)], 1.0),
    ],
)
def test_others_share_counts_other_computing_processes(
    rows: list[tuple[int, int, int]] | None, share: float | None
) -> None:
    """Given the driver's list, then only other processes' work at one moment counts, and an unclear list has no figure."""
    assert others_share(reader(rows), 100, 1) == share


def test_energy_by_counter_else_by_power_else_absent(nvml_dir: Path, tmp_path: Path) -> None:
    """Given a counter, a card with power only, a counter that does not move, or neither, then the energy has its source
    or is None."""
    no_counter, no_power = "0.fail.nvmlDeviceGetTotalEnergyConsumption=3", "0.fail.nvmlDeviceGetPowerUsage=3"
    cases = ("0.energy=1000000|0.energy=1300000", f"{no_counter};0.power=150000|")
    cases += (f"0.energy=5;{no_power}|", f"{no_counter};{no_power}|")
    file = tmp_path / "readings"
    file.touch()
    counted, sampled, still, none = run_beside(nvml_dir, CODE, file, *cases, FETTLE_FAKENVML_FILE=file)
    assert (counted["source"], counted["requests"], counted["joules"]) == ("counter", 10, pytest.approx(300.0))
    assert (sampled["source"], sampled["joules"]) == ("power", pytest.approx(150.0 * sampled["seconds"]))
    assert still is None and none is None


def test_short_or_empty_measurement_has_no_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given too short a time, or no requests, then there is no energy."""
    card = reader([])
    card.read_one = lambda quantity: time.monotonic()
    with CardWatch(card) as seen:
        pass
    assert seen.energy(10) is None
    monkeypatch.setattr(watch, "MIN_ENERGY_S", 0.0)
    assert seen.energy(0) is None
