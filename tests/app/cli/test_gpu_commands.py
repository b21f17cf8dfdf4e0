"""Tests of `fettle gpu doctor` and `fettle gpu watch` with the stand-ins for NVIDIA's driver."""

import json
from pathlib import Path

import pytest
from stand_in_driver import no_driver, stand_in

from app.cli.gpu import doctor as gpu
from app.cli.main import main
from app.services.machine.gpu_doctor import Ladder
from workers.contracts.gpu import NOT_TRIED, TriedRung

UUIDS = ["GPU-fake0000-0000-0000-0000-000000000000", "GPU-fake1111-1111-1111-1111-111111111111"]


@pytest.fixture
def readings(driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file with the state that the stand-in of NVML reports, of two cards."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    return stand_in(driver_dir, tmp_path, monkeypatch, cuda_code=304)


@pytest.mark.timeout(240)
def test_doctor_lists_each_check_of_each_card(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given two cards whose CUDA does not start, then the JSON has both cards and all checks with the contract's
    fields. Checks that depend on a failed one are not ok, and the exit code is 6."""
    assert main(["gpu", "doctor", "--json"]) == 6
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert [card["uuid"] for card in document["cards"]] == UUIDS
    assert document["cards"][1] == {
        "uuid": UUIDS[1], "name": "NVIDIA FAKE H100", "compute_capability": "9.0", "driver": "580.95.05",
        "memory_bytes": 85520809984,
    }  # fmt: skip
    assert all(list(rung) == ["id", "card", "ok", "found", "reason", "hint"] for rung in document["rungs"])
    by_place = {(rung["id"], rung["card"]): rung for rung in document["rungs"]}
    assert by_place["driver", None]["ok"]
    for uuid in UUIDS:
        start, context = by_place["cuda-start", uuid], by_place["context", uuid]
        assert not start["ok"] and "CUDA error 304" in start["reason"] and "nvidia-modprobe" in start["hint"]
        assert not context["ok"] and "CUDA starts" in context["reason"]
        assert by_place["readings", uuid]["ok"]
    products = [rung for rung in document["rungs"] if "product" in rung["id"] or "engine" in rung["id"]]
    assert products and not any(rung["ok"] for rung in products), "a stand-in never computes"


def test_doctor_prints_each_reason_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a computer without a card, where two checks fail for one reason, then that reason is only the last line.
    Another failed check is printed with its remedy."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    same = {"reason": "No card was found.", "hint": "Nothing needs to be done."}
    rows = [
        TriedRung(id="files", title="Device files", ok=False, found="No device file.", **same),
        TriedRung(id="driver", title="Driver", ok=False, found="No GPU.", **same),
        TriedRung(
            id="cuda", title="CUDA", ok=False, code=NOT_TRIED, found="Not tried.", reason="Below.", hint="Mend that."
        ),
    ]
    monkeypatch.setattr(gpu, "run", lambda *_given: Ladder((), tuple(rows)))
    assert main(["gpu", "doctor"]) == 6
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "No card was found. Nothing needs to be done."
    assert "No card was found" not in printed.out
    rows.append(TriedRung(id="tool", title="A tool", ok=False, reason="It is old.", hint="Renew it.", command="new"))
    main(["gpu", "doctor"])
    assert capsys.readouterr().out.count("A tool: It is old.\n   Renew it. Run: new") == 1


@pytest.mark.whole
@pytest.mark.timeout(120)
def test_describe_names_why_cards_cannot_be_used(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given an old driver and a divided card (MIG), then neither card nor its runtimes are available, and the hint
    names the required driver."""
    readings.write_text("driver=550.54.14\ncuda=12040\n1.mig=1\n")
    assert main(["describe", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    cards = [row for row in document["devices"] if row["id"].startswith("cuda")]
    assert [row["title"] for row in cards] == ["NVIDIA FAKE RTX 4090", "NVIDIA FAKE H100"]
    assert all(not row["available"] and "580" in row["hint"] for row in cards)
    runtimes = [row for row in document["runtimes"] if row["id"].endswith("-cuda") or row["id"] == "tensorrt"]
    assert runtimes and not any(row["available"] for row in runtimes)


@pytest.mark.whole
@pytest.mark.timeout(120)
def test_watch_prints_the_readings_of_each_card(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given two cards, one of which is then lost, then the readings are those of the file, and the lost card has none."""
    readings.write_text("0.util=77\n0.used=9000000000\n1.util=5\n")
    assert main(["gpu", "watch", "--seconds", "0.6"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("NVIDIA FAKE RTX 4090" in line and "77 %" in line and "9.0 GB" in line for line in lines)
    readings.write_text("0.util=63\n" + "1.fail.nvmlDeviceGetUtilizationRates=15\n")
    assert main(["gpu", "watch", "--seconds", "0.6", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["cards"]
    assert (first["load_pct"], first["is_lost"]) == (63, False)
    assert (second["load_pct"], second["is_lost"]) == (None, True)


REPAIRS = {2: "nvidia-smi", 100: "CUDA_VISIBLE_DEVICES", 304: "nvidia-modprobe -u -c=0", 999: "rmmod nvidia_uvm"}
"""What mends each refusal of cuInit."""


def describe(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return the rows of cards in the JSON of the command."""
    assert main(["describe", "--json"]) == 0
    return [row for row in json.loads(capsys.readouterr().out)["devices"] if str(row["id"]).startswith("cuda")]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("code", REPAIRS)
def test_each_refusal_of_cuinit_by_command(
    readings: Path, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a driver whose cuInit fails, then the doctor and `describe` name the error and its remedy, no card is
    available, and no computing check is ok."""
    monkeypatch.setenv("FETTLE_FAKECUDA_RC", str(code))
    rows = describe(capsys)
    assert [row["available"] for row in rows] == [False, False]
    assert all(f"CUDA error {code}" in str(row["hint"]) for row in rows)
    assert main(["gpu", "doctor"]) == 6
    shown = capsys.readouterr().out
    assert f"CUDA error {code}" in shown and REPAIRS[code] in shown
    first, second = shown.index("NVIDIA FAKE RTX 4090 (cuda:0)"), shown.index("NVIDIA FAKE H100 (cuda:1)")
    assert first < shown.index("CUDA starts") < second, "whose rung it is stands above it"
    computing = [line for line in shown.splitlines() if "A product" in line or "An engine" in line]
    assert computing and all(not line.startswith("ok") for line in computing)


@pytest.mark.whole
@pytest.mark.timeout(180)
def test_lost_divided_and_throttled_cards_by_command(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a lost card, a divided card (MIG) without a load figure, and a throttled card, then `describe` and `watch`
    report that card's state, and no figure that the card did not give."""
    readings.write_text("1.fail.nvmlDeviceGetUtilizationRates=15\n")
    first, lost = describe(capsys)
    assert "CUDA error 304" in str(first["hint"]) and "NVIDIA FAKE H100 is lost" in str(lost["hint"])
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
    """Given a computer without a driver, then all commands report that no card with a driver exists, and `watch` lists
    none."""
    no_driver(tmp_path, monkeypatch)
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    (row,) = describe(capsys)
    assert not row["available"]
    assert "no NVIDIA card with a driver" in str(row["hint"])
    assert main(["gpu", "doctor"]) == 6
    assert "no NVIDIA card with a driver" in capsys.readouterr().err
    assert main(["gpu", "watch", "--seconds", "0.2", "--json"]) == 6
    printed = capsys.readouterr()
    assert json.loads(printed.out)["cards"] == [] and "no NVIDIA" in printed.err


@pytest.mark.whole
@pytest.mark.timeout(120)
def test_a_driver_that_is_not_loaded_by_command(readings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readings.write_text("fail.nvmlInitWithFlags=9\n")
    (row,) = describe(capsys)
    assert not row["available"] and "not loaded" in str(row["hint"])
    assert main(["gpu", "watch", "--seconds", "0.2"]) == 6
    assert "not loaded" in capsys.readouterr().err
