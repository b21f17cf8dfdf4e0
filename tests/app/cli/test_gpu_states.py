"""What is told by command of cards in each state that the stand-ins can be in: never a figure that no card gave."""

import json
from pathlib import Path

import pytest
from stand_in_driver import no_driver, stand_in

from app.cli.main import main

MENDS = {2: "nvidia-smi", 100: "CUDA_VISIBLE_DEVICES", 304: "nvidia-modprobe -u -c=0", 999: "rmmod nvidia_uvm"}
"""What mends each refusal of cuInit."""


@pytest.fixture
def readings(driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What NVML tells."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    return stand_in(driver_dir, tmp_path, monkeypatch, cuda_code=100)


def describe(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The rows of cards."""
    assert main(["describe", "--json"]) == 0
    return [row for row in json.loads(capsys.readouterr().out)["devices"] if str(row["id"]).startswith("cuda")]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("code", MENDS)
def test_each_refusal_of_cuinit_by_command(
    readings: Path, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a driver whose cuInit is refused, Then the doctor and `describe` name the error and what mends it, no card
    counts as available, and nothing claims to have computed."""
    monkeypatch.setenv("FETTLE_FAKECUDA_RC", str(code))
    rows = describe(capsys)
    assert [row["available"] for row in rows] == [False, False]
    assert all(f"CUDA error {code}" in str(row["hint"]) for row in rows)
    assert main(["gpu", "doctor"]) == 6
    said = capsys.readouterr().out
    assert f"CUDA error {code}" in said and MENDS[code] in said
    first, second = said.index("NVIDIA FAKE RTX 4090 (cuda:0)"), said.index("NVIDIA FAKE H100 (cuda:1)")
    assert first < said.index("CUDA starts") < second, "whose rung it is stands above it"
    computing = [line for line in said.splitlines() if "A product" in line or "An engine" in line]
    assert computing and all(not line.startswith("ok") for line in computing)


@pytest.mark.whole
@pytest.mark.timeout(180)
def test_lost_divided_and_held_back_by_command(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a card that is lost, then one that is divided (MIG) and tells no load (NotSupported), then one that slows
    itself down, Then `describe` and `watch` say so of that card, and give no figure that it did not give."""
    readings.write_text("1.fail.nvmlDeviceGetUtilizationRates=15\n")
    first, lost = describe(capsys)
    assert "CUDA error 100" in str(first["hint"]) and "NVIDIA FAKE H100 is lost" in str(lost["hint"])
    assert main(["gpu", "watch", "--seconds", "0.5"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "H100" in line)
    assert line.endswith("lost: it fell off the bus, or its driver gave it up") and "°C" not in line

    readings.write_text("1.mig=1\n1.util=-1\n0.reasons=0x44\n0.util=64\n")
    assert "divided (MIG)" not in str(describe(capsys)[0])
    assert main(["gpu", "watch", "--seconds", "0.5"]) == 0
    hot, divided = [line for line in capsys.readouterr().out.splitlines() if line.startswith("gpu")][-2:]
    assert "load 64 %" in hot and hot.endswith("slows itself down: it reached its power limit and heat")
    assert "load –" in divided and "slows" not in divided
    assert main(["gpu", "watch", "--seconds", "0.5", "--json"]) == 0
    cards = json.loads(capsys.readouterr().out)["cards"]
    assert cards[0]["slow_downs"] == ["power_cap", "hardware_thermal"]
    assert (cards[1]["slow_downs"], cards[1]["load_pct"]) == ([], None)


@pytest.mark.timeout(180)
def test_no_driver_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a computer without a driver, Then both commands say that there is no card with one, and what to do: nothing."""
    no_driver(tmp_path, monkeypatch)
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    (row,) = describe(capsys)
    assert not row["available"]
    assert "no NVIDIA card with a driver" in str(row["hint"])
    assert main(["gpu", "doctor"]) == 6
    assert "no NVIDIA card with a driver" in capsys.readouterr().err


@pytest.mark.whole
@pytest.mark.timeout(120)
def test_a_driver_that_is_not_loaded_by_command(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readings.write_text("fail.nvmlInitWithFlags=9\n")
    (row,) = describe(capsys)
    assert not row["available"] and "not loaded" in str(row["hint"])
    assert main(["gpu", "watch", "--seconds", "0.2"]) == 6
    assert "not loaded" in capsys.readouterr().err
