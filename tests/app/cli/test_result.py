"""Tests of `fettle result save` and `fettle result show`."""

import json
from pathlib import Path

import pytest
from finished_run import finished_folder
from spaces import opened_space

from app.cli.main import main
from app.services.records.run_records import MACHINE
from workers.contracts.specs import DeviceFacts

DEVICE = DeviceFacts(processor="AMD EPYC 7B13", cores=2, memory_bytes=8 << 30, features=("avx2",))


def test_result_is_saved_and_shown_by_another_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a finished run, when its result is saved and shown elsewhere, then the figures, the unknown key and the
    likeness are printed; a changed file exits with 3, and an unknown run too."""
    for name in ("here", "there"):
        with opened_space(finished_folder(tmp_path / name) / "data") as space:
            space.repositories.records.put(MACHINE, "r1", DEVICE)
    here, there = (f"--data-dir={tmp_path / name / 'data'}" for name in ("here", "there"))
    file = tmp_path / "r1.fettle-result.json"
    assert main([there, "--json", "result", "save", "r1", "--out", str(file)]) == 0
    saved = json.loads(capsys.readouterr().out)
    assert main([here, "--json", "result", "show", str(file)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["signer"], shown["projects"], shown["like_this_computer"]) == ("new", ["p1"], True)
    assert shown["signed_by"] == saved["signed_by"] and shown["result"]["versions"][0]["figures"]["speedup"] == 2.0
    assert main([there, "result", "show", str(file)]) == 0
    printed = capsys.readouterr()
    assert "own key" in printed.out and "on AMD EPYC 7B13, 2 cores, 8.6 GB: 2 ms, 2.0 times" in printed.err
    file.write_text(file.read_text().replace("7B13", "9354"))
    assert main([here, "--json", "result", "show", str(file)]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "result_changed"
    assert main([here, "result", "save", "r9", "--out", str(file)]) == 3
