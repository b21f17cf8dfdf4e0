"""`fettle answer` while another program holds the data folder: its document, its table, its exit codes."""

import json
from pathlib import Path

import pytest
from finished_run import finished_folder, write_picture

from app.cli.main import main
from app.instance import InstanceLock
from app.paths import find_data_folder


@pytest.mark.whole
def test_answer_prints_its_document_while_the_window_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a finished run, When `fettle answer` runs beside the window, Then it prints path and counts, and the table
    has a row for each input; nothing answered is exit code 3, a wrong suffix too."""
    data = finished_folder(tmp_path) / "data"
    pictures, out = tmp_path / "pictures", tmp_path / "answers.jsonl"
    pictures.mkdir()
    (pictures / "broken.png").write_bytes(b"no picture")
    command = ["answer", "r1", str(pictures), "--data-dir", str(data), "--json", "--out"]
    with InstanceLock.take(find_data_folder(data), "window", "Fettle's window"):
        assert main([*command, str(out)]) == 3
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "nothing_answered"
        write_picture(pictures / "boot.png", 3)
        assert main([*command, str(out)]) == 0
        assert json.loads(capsys.readouterr().out) == {"path": str(out), "answered": 1, "failed": 1}
        assert main([*command, str(tmp_path / "answers.ods")]) == 3
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "unknown_table"
    rows = {row["input"]: row for row in map(json.loads, out.read_text(encoding="utf-8").splitlines())}
    assert next(iter(rows["boot.png"]["scores"])) == rows["boot.png"]["answer"] and "error" in rows["broken.png"]
    assert not list((data / "unfinished").iterdir())
