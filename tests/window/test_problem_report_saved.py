"""A refused file's report, by a real mouse: the card, the dialog that shows it, the zip."""

import zipfile
from pathlib import Path

from rig import Start


def test_report_of_a_dropped_file_is_saved_by_mouse(start: Start, tmp_path: Path) -> None:
    """Given a file that is no model, When it is dropped and its report is saved, Then the dialog shows the report first,
    and the zip names the error and not the file."""
    program = start()
    program.until_page("model", "empty", 30)
    wrong = tmp_path / "customer secret.onnx"
    wrong.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    program.drop(wrong)
    program.until_page("model", "error", 60)
    program.press("Save a problem report")
    program.until_text("error.json", "log.txt")
    program.click(lambda view: view.find("error.json", "ToggleButton"))
    program.press("Save…")
    program.until(lambda view: view.modal == "Where should the report be saved?", 15, "the dialog for a place")
    program.type(str(tmp_path / "report.zip"))
    program.keys("Return")
    program.until_text("The report was saved")
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert '"kind": "open"' in files["error.json"] and "customer secret" not in "".join(files.values())
    program.check_clean()
