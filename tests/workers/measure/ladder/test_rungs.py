"""Rungs of the GPU doctor against the stand-ins for NVIDIA's driver: each failure by its code, with what mends it."""

from pathlib import Path

import pytest
from stand_in_card import StandInDriver
from stand_in_driver import run_beside

from workers.contracts.gpu import GpuCard, fitting_set
from workers.infer.cuda_driver import Driver
from workers.measure.ladder.rung import Rung, broken, find_rungs, not_here
from workers.measure.ladder.rungs import cuda_start, installed
from workers.measure.ladder.rungs import driver as lowest

TRY = """
import sys
from workers.infer.cuda_driver import Driver
from workers.measure.ladder.rung import find_rungs
from workers.contracts.gpu import GpuCard
card = GpuCard(index=0, uuid="GPU-x", name="x", compute_capability="8.9")
for name in sys.argv[1:]:
    print(next(rung for rung in find_rungs() if rung.id == name).attempt(card).model_dump_json())
"""


def attempt(libraries: Path | None, *rungs: str, **variables: object) -> list[dict[str, object]]:
    return run_beside(libraries, TRY, *rungs, **variables)


@pytest.mark.parametrize("code", [100, 304, 999, 2])
def test_each_refusal_of_cuinit_is_told(driver_dir: Path, code: int) -> None:
    """Given a driver whose cuInit answers an error, Then its number, its meaning and one thing to do are told."""
    (start, context) = attempt(driver_dir, "cuda-start", "context", FETTLE_FAKECUDA_RC=code)
    assert (start["ok"], start["code"]) == (False, f"cuda_{code}")
    assert f"CUDA error {code}" in str(start["reason"])
    assert start["hint"] and start["command"]
    assert context["code"] == f"cuda_{code}"


def test_context_is_tried_on_the_intended_card_and_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a card, Then memory on it is allocated and freed and its context released; another card is named."""
    library = StandInDriver()
    monkeypatch.setattr(cuda_start, "Driver", lambda: Driver(library))
    for uuid, code in (("GPU-00000000-0000-0000-0000-000000000000", ""), ("GPU-x", "other_card")):
        found = cuda_start.RUNGS[1].attempt(GpuCard(index=0, name="x", uuid=uuid))
        assert (found.ok, found.code) == (not code, code)
    assert library.memory == {} and library.calls[-1] == "cuDevicePrimaryCtxRelease_v2"


def test_a_driver_without_a_card(driver_dir: Path) -> None:
    """Given a driver that starts and lists no card, Then that is told as no card, and never as a card that works."""
    (start,) = attempt(driver_dir, "cuda-start", FETTLE_FAKECUDA_RC="0")
    assert (start["ok"], start["code"]) == (False, "cuda_100")


def test_no_driver_at_all() -> None:
    """Given a computer without a driver, Then both rungs say so, and the device files are missing."""
    (start, driver) = attempt(None, "cuda-start", "driver")
    if start["ok"]:
        pytest.skip("this computer has an NVIDIA driver")
    assert start["code"] == "no_driver"
    assert driver["code"] in ("no_card", "no_driver", "container")


def test_readings_name_what_is_not_told(driver_dir: Path, tmp_path: Path) -> None:
    """Given a card that supports no power reading and permits no clock, Then both are named with their reason."""
    file = tmp_path / "readings"
    file.write_text("0.util=42\n0.fail.nvmlDeviceGetPowerUsage=3\n0.fail.nvmlDeviceGetClockInfo=4\n")
    (found,) = attempt(driver_dir, "readings", FETTLE_FAKENVML_FILE=file)
    assert found["ok"] and "42 % load" in str(found["found"])
    assert "power (not supported by this card)" in str(found["found"])
    assert "clock (your account may not read it)" in str(found["found"])


def test_a_lost_card_and_a_divided_one(driver_dir: Path, tmp_path: Path) -> None:
    """Given a card that fell off the bus and one that is divided (MIG), Then the first is told as lost, the second so."""
    file = tmp_path / "readings"
    file.write_text("0.fail.nvmlDeviceGetUtilizationRates=15\n1.mig=1\n")
    (readings, driver) = attempt(driver_dir, "readings", "driver", FETTLE_FAKENVML_FILE=file)
    assert (readings["ok"], readings["code"]) == (False, "gpu_lost")
    assert "Lost: NVIDIA FAKE RTX 4090." in str(driver["found"])
    assert driver["ok"] and "NVIDIA FAKE H100: divided (MIG)" in str(driver["found"])


def test_a_card_that_slows_itself_down(driver_dir: Path, tmp_path: Path) -> None:
    """Given heat and a power limit, Then the readings say why; idle clocks (1) are no slowing down."""
    file = tmp_path / "readings"
    for mask, report in ((0x44, True), (1, False)):
        file.write_text(f"0.reasons={mask}\n")
        (readings,) = attempt(driver_dir, "readings", FETTLE_FAKENVML_FILE=file)
        assert ("It is slowing down now: it reached its power limit and heat." in str(readings["found"])) == report


def test_an_old_driver(driver_dir: Path, tmp_path: Path) -> None:
    """Given a driver for CUDA 12.4, Then the oldest that does is named."""
    file = tmp_path / "readings"
    file.write_text("driver=550.54.14\ncuda=12040\n")
    (driver,) = attempt(driver_dir, "driver", FETTLE_FAKENVML_FILE=file)
    assert driver["code"] == "old_driver" and "580" in str(driver["reason"])


def test_device_files(tmp_path: Path) -> None:
    """Given /dev as it may be, Then what is missing or refused is named, with what makes it."""
    assert lowest.nodes(tmp_path).ok is False
    for name in ("nvidia0", "nvidiactl"):
        (tmp_path / name).write_text("")
    found = lowest.nodes(tmp_path)
    assert (found.code, found.command) == ("no_uvm", "sudo nvidia-modprobe -u -c=0")
    (tmp_path / "nvidia-uvm").write_text("")
    assert lowest.nodes(tmp_path).ok


def test_rungs_are_found_as_files() -> None:
    """Given the folder of rungs, Then each stands on rungs below it, and every id is its own."""
    rungs = find_rungs()
    assert [rung.id for rung in rungs[:4]] == ["device-nodes", "driver", "cuda-start", "context"]
    seen: set[str] = set()
    for rung in rungs:
        assert set(rung.needs) <= seen, rung.id
        seen.add(rung.id)
    assert Rung("x", "X", 1, lambda _card: not_here()).listing.per_card


@pytest.mark.parametrize(
    ("capability", "fits"),
    [("7.0", "none"), ("7.5", "cuda"), ("8.0", "cuda"), ("8.6", "rtx"), ("8.9", "rtx"), ("9.0", "cuda"),
     ("10.0", "cuda"), ("12.0", "rtx"), ("12.1", "rtx"), ("", "cuda")],
)  # fmt: skip
def test_the_set_that_fits_a_card(capability: str, fits: str) -> None:
    """Given a compute capability, Then the set that supports it is named."""
    assert fitting_set(capability) == fits


@pytest.mark.parametrize(
    ("there", "capability", "code", "installs"),
    [
        ({"onnxruntime"}, "8.9", "base_set", "rtx"),
        ({"onnxruntime"}, "9.0", "base_set", "cuda"),
        ({"onnxruntime", "onnxruntime-gpu"}, "8.9", "mixed_set", "rtx"),
        ({"onnxruntime", "onnxruntime-gpu"}, "7.0", "mixed_set", "none"),
        ({"onnxruntime", installed.RTX}, "9.0", "wrong_set", "cuda"),
        ({"onnxruntime"}, "7.0", "card_too_old", None),
        ({"onnxruntime-gpu"}, "9.0", "", None),
    ],
)
def test_what_the_installer_mends_says_so(
    there: set[str], capability: str, code: str, installs: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given packages and a card, Then a rung that the installer mends names the set, typed and in the line to copy."""
    monkeypatch.setattr(installed, "version_of", lambda name: "1.0" if name in there else "")
    (rung,) = installed.RUNGS
    found = rung.attempt(GpuCard(index=0, name="x", compute_capability=capability))
    assert (found.code, found.installs) == (code, installs)
    assert found.command == (f"installer/fettle --gpu {installs}" if installs else "")
    assert broken("x", "", "", "", "sudo something").installs is None
