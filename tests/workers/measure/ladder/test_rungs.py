"""Rungs of the GPU doctor with the stand-ins for NVIDIA's driver: each failure has its code and its repair."""

from pathlib import Path

import pytest
from stand_in_card import StandInDriver
from stand_in_driver import run_beside

from workers.contracts.gpu import GpuCard, fitting_set
from workers.infer.cuda_driver import Driver
from workers.measure.ladder.rung import broken, find_rungs
from workers.measure.ladder.rungs import cuda_start, installed
from workers.measure.ladder.rungs import driver as lowest

TRY = """
import sys
from workers.infer.cuda_driver import Driver
from workers.measure.ladder.rung import find_rungs
from workers.contracts.gpu import GpuCard
card = GpuCard(index=0, uuid="GPU-x", name="x", compute_capability="8.9")
for name in sys.argv[1:]:
    print(next(rung for rung in find_rungs() if rung.id == name).attempt(card).model_dump_json(context=None))
"""


def attempt(libraries: Path | None, *rungs: str, **variables: object) -> list[dict[str, object]]:
    return run_beside(libraries, TRY, *rungs, **variables)


@pytest.mark.parametrize("code", [304, 2])
def test_refusal_of_cuinit_has_its_code_and_repair(driver_dir: Path, code: int) -> None:
    """Given a driver whose cuInit returns an error, then the rung has its number, its meaning and one repair."""
    (start, context) = attempt(driver_dir, "cuda-start", "context", FETTLE_FAKECUDA_RC=code)
    assert (start["ok"], start["code"]) == (False, f"cuda_{code}")
    assert f"CUDA error {code}" in str(start["reason"])
    assert start["hint"] and start["command"]
    assert context["code"] == f"cuda_{code}"


def test_context_checks_the_card_and_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a card, then its memory is allocated and freed and its context released; another card is a failure."""
    library = StandInDriver()
    monkeypatch.setattr(cuda_start, "Driver", lambda: Driver(library))
    for uuid, code in (("GPU-00000000-0000-0000-0000-000000000000", ""), ("GPU-x", "other_card")):
        result = cuda_start.RUNGS[1].attempt(GpuCard(index=0, name="x", uuid=uuid))
        assert (result.ok, result.code) == (not code, code)
    assert library.memory == {} and library.calls[-1] == "cuDevicePrimaryCtxRelease_v2"


def test_driver_without_a_card_and_no_driver_fail(driver_dir: Path) -> None:
    """Given a driver that lists no card, then CUDA fails with code 100; given no driver, then both rungs name that."""
    (start,) = attempt(driver_dir, "cuda-start", FETTLE_FAKECUDA_RC="0")
    assert (start["ok"], start["code"]) == (False, "cuda_100")
    (start, driver) = attempt(None, "cuda-start", "driver")
    if start["ok"]:
        pytest.skip("this computer has an NVIDIA driver")
    assert start["code"] == "no_driver"
    assert driver["code"] in ("no_card", "no_driver", "container")


def test_readings_name_missing_values_and_slow_downs(driver_dir: Path, tmp_path: Path) -> None:
    """Given a card without power readings and with a forbidden clock, then both are named with their reasons; given heat
    and a power limit, then both are named, but not idle clocks (1)."""
    file = tmp_path / "readings"
    file.write_text("0.util=42\n0.fail.nvmlDeviceGetPowerUsage=3\n0.fail.nvmlDeviceGetClockInfo=4\n")
    (readings,) = attempt(driver_dir, "readings", FETTLE_FAKENVML_FILE=file)
    words = str(readings["found"])
    assert readings["ok"] and "42 % load" in words and "power (not supported by this card)" in words
    assert "clock (your account may not read it)" in words
    for mask, is_slow in ((0x44, True), (1, False)):
        file.write_text(f"0.reasons={mask}\n")
        (readings,) = attempt(driver_dir, "readings", FETTLE_FAKENVML_FILE=file)
        assert ("It is slowing down now: it reached its power limit and heat." in str(readings["found"])) == is_slow


def test_lost_divided_and_outdated_cards_are_named(driver_dir: Path, tmp_path: Path) -> None:
    """Given a card that fell off the bus and one that is divided (MIG), then the driver's rung names both, and readings of
    the first fail; given a driver for CUDA 12.4, then the oldest supported one is named."""
    file = tmp_path / "readings"
    file.write_text("0.fail.nvmlDeviceGetUtilizationRates=15\n1.mig=1\n")
    (readings, driver) = attempt(driver_dir, "readings", "driver", FETTLE_FAKENVML_FILE=file)
    assert (readings["ok"], readings["code"]) == (False, "gpu_lost")
    assert "Lost: NVIDIA FAKE RTX 4090." in str(driver["found"])
    assert driver["ok"] and "NVIDIA FAKE H100: divided (MIG)" in str(driver["found"])
    file.write_text("driver=550.54.14\ncuda=12040\n")
    (driver,) = attempt(driver_dir, "driver", FETTLE_FAKENVML_FILE=file)
    assert driver["code"] == "old_driver" and "580" in str(driver["reason"])


def test_missing_device_files_are_named(tmp_path: Path) -> None:
    """Given no device files, then the rung fails; given all but CUDA's, then it has the command that creates it."""
    assert lowest.nodes(tmp_path).ok is False
    for name in ("nvidia0", "nvidiactl"):
        (tmp_path / name).write_text("")
    result = lowest.nodes(tmp_path)
    assert (result.code, result.command) == ("no_uvm", "sudo nvidia-modprobe -u -c=0")
    (tmp_path / "nvidia-uvm").write_text("")
    assert lowest.nodes(tmp_path).ok


def test_rungs_need_only_earlier_rungs() -> None:
    """Given the folder of rungs, then each needs only rungs before it."""
    rungs = find_rungs()
    assert [rung.id for rung in rungs[:4]] == ["device-nodes", "driver", "cuda-start", "context"]
    seen: set[str] = set()
    for rung in rungs:
        assert set(rung.needs) <= seen, rung.id
        seen.add(rung.id)


@pytest.mark.parametrize(
    ("capability", "fits"),
    [("7.0", "none"), ("7.5", "cuda"), ("8.0", "cuda"), ("8.6", "rtx"), ("8.9", "rtx"), ("9.0", "cuda"),
     ("10.0", "cuda"), ("12.0", "rtx"), ("12.1", "rtx"), ("", "cuda")],
)  # fmt: skip
def test_fitting_set_supports_the_card(capability: str, fits: str) -> None:
    """Given a compute capability, then the fitting set supports it."""
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
        ({"onnxruntime", "sets/onnxruntime-gpu"}, "9.0", "", None),
        ({"onnxruntime", "sets/onnxruntime-gpu", installed.RTX}, "9.0", "", None),
    ],
)
def test_installed_packages_that_do_not_fit_name_the_set_to_install(
    there: set[str], capability: str, code: str, installs: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given packages and a card, then a failure that the installer repairs names the set, typed and in its command; a
    set in a folder of its own is not mixed with the base."""
    places = {place.rpartition("/")[2]: Path(place).parent for place in there}
    monkeypatch.setattr(installed, "version_of", lambda name: "1.0" if name in places else "")
    monkeypatch.setattr(installed, "folder_of", places.__getitem__)
    (rung,) = installed.RUNGS
    result = rung.attempt(GpuCard(index=0, name="x", compute_capability=capability))
    assert (result.code, result.installs) == (code, installs)
    assert result.command == (f"installer/fettle --gpu {installs}" if installs else "")
    assert broken("x", "", "", "", "sudo something").installs is None
