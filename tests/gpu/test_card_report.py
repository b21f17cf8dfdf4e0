"""The script for a real card: with one it measures, without one it says so and has no figure, whatever a driver claims."""

import shutil
from pathlib import Path

import card_report
import pytest


@pytest.mark.gpu
@pytest.mark.timeout(3600)
def test_a_real_card() -> None:
    """Given a card, Then each engine's figures are there; without one the reason stands in the report of the tests."""
    told = card_report.doctor()
    broken = next((rung for rung in told["rungs"] if not rung["ok"]), None)
    if broken is not None:
        pytest.skip(f"no card that works: {broken['reason']}")
    assert card_report.main() == 0


@pytest.mark.timeout(240)
def test_a_stand_in_has_no_figure(
    driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a driver that only claims two cards, and cuInit that even succeeds, Then nothing is measured and no table is
    written: no figure of a GPU comes from a stand-in."""
    folder = tmp_path / "driver"
    shutil.copytree(driver_dir, folder)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setenv("FAKECUDA_RC", "0")
    monkeypatch.setattr(card_report, "OUT", tmp_path / "out")
    monkeypatch.setattr(card_report, "measure", lambda: pytest.fail("it began to measure"))
    assert card_report.main() == card_report.NO_CARD
    said = capsys.readouterr().out
    assert "No card that works" in said and "Nothing was measured" in said
    assert not (tmp_path / "out").exists()
