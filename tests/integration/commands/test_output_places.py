"""Where a command's answer and its model go: refused before any work where nothing can be written there."""

from pathlib import Path

import command_models as small
import pytest
from fettle_command import Fettle


def test_answer_into_a_closed_pipe(tmp_path: Path) -> None:
    """Given a program behind the pipe that reads nothing, Then exit code 5, and the last line says what happened."""
    fettle = Fettle(tmp_path / "home")
    process = fettle.start("presets", "list")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), told.strip().count("\n")) == (5, 0)
    assert told.strip()


@pytest.mark.parametrize("name", ["proc", "long", "file"])
def test_out_that_cannot_be_written_is_refused_before_work(tmp_path: Path, name: str) -> None:
    """Given a folder for --out that cannot be made, Then it is refused before the model is opened."""
    (tmp_path / "file").write_text("x")
    out = {"proc": Path("/proc/fettle"), "long": tmp_path / ("x" * 300), "file": tmp_path / "file" / "deep"}[name]
    if name == "proc" and not Path("/proc/self").exists():
        pytest.skip("only Linux has such a folder")
    model = small.picture_model(tmp_path / "m.onnx")
    done = Fettle(tmp_path / "home").here("optimize", model, "--out", out, "--json")
    assert done.code == 3 and done.error["code"] in ("not_writable", "name_too_long", "not_a_folder")
    assert not (tmp_path / "home").exists()
