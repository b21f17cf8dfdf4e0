"""The script for a real card: with one it measures, without one it reports that and has no figure, whatever a driver claims."""

import shutil
from pathlib import Path

import card_report
import pytest


@pytest.mark.gpu
@pytest.mark.timeout(3600)
def test_a_real_card() -> None:
    """Given a card, Then each engine's figures are there; without one the reason stands in the report of the tests."""
    report = card_report.doctor()
    broken = next((rung for rung in report["rungs"] if not rung["ok"]), None)
    if broken is not None:
        pytest.skip(f"no card that works: {broken['reason']}")
    assert card_report.main() == 0


@pytest.mark.whole
@pytest.mark.timeout(240)
def test_a_stand_in_has_no_figure(
    driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a driver that only claims two cards, and cuInit that even succeeds, Then nothing is measured and no table is
    written: no figure of a GPU comes from a stand-in."""
    folder = tmp_path / "driver"
    shutil.copytree(driver_dir, folder)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setenv("FETTLE_FAKECUDA_RC", "0")
    monkeypatch.setattr(card_report, "OUT", tmp_path / "out")
    monkeypatch.setattr(card_report, "measure", lambda: pytest.fail("it began to measure"))
    assert card_report.main() == card_report.NO_CARD
    said = capsys.readouterr().out
    assert "No card that works" in said and "Nothing was measured" in said
    assert not (tmp_path / "out").exists()


def test_every_path_to_a_card_is_tried() -> None:
    """Given a model, Then PyTorch as it is and compiled, ONNX Runtime's providers and TensorRT are all in the table, each
    in the precisions that it has, and nothing is loaded before its turn."""
    paths = [(path, precision) for path, precision, _load in card_report.engines(None, {})]
    assert len(paths) == len(set(paths))
    by_precision = {one: {path for path, precision in paths if precision == one} for one in card_report.MOST_APART}
    everything = {"PyTorch", *(title for title, _, _ in card_report.PATHS)}
    assert by_precision["FP32"] == by_precision["FP16"] == everything
    assert by_precision["BF16"] == {"PyTorch", "PyTorch, compiled", "TensorRT"}


def test_table_names_card_path_and_both_ratios() -> None:
    """Given constructed rows, Then each has its card and driver, whether answers are the processor's, and its time over
    PyTorch's of the same precision and over TensorRT's own clock; what failed or is absent has words and no figure."""
    rows = [
        card_report.Row("M", "PyTorch", "FP16", p50_ms=4.0, difference=0.001),
        card_report.Row("M", "TensorRT", "FP16", p50_ms=2.0, difference=0.04, compute_ms=0.8, card_ms=1.0),
        card_report.Row("M", "TensorRT", "FP32", p50_ms=9.0, difference=0.5, card_ms=3.0),
        card_report.Row("M", "ONNX Runtime CUDA", "FP16", failed="NotRunnable: no"),
        card_report.Row("M", "ONNX Runtime with TensorRT for RTX", "FP16", absent="installer/fettle --gpu rtx"),
    ]
    cards = [{"name": "Made-up card", "driver": "1.2", "compute_capability": "8.9"}]
    lines = [line for line in card_report.table(cards, rows).splitlines() if line.startswith("| Made-up card")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    named = dict(zip(card_report.COLUMNS, cells[1], strict=True))
    assert (named["card"], named["driver"], named["confirmed"]) == ("Made-up card", "1.2", "yes")
    assert (named["× PyTorch eager"], named["× trtexec's way"], named["computing ms"]) == ("2", "0.5", "0.8")
    assert cells[2][5] == "no" and cells[2][9] == "–"
    assert cells[3][5:] == ["no", "NotRunnable: no"]
    assert cells[4][6] == "not for this card: installer/fettle --gpu rtx"
