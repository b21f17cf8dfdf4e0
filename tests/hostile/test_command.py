"""A sample of the hostile files through `fettle inspect` itself, as a person types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doors import expected
from hostile_corpus.base import EITHER, OPEN, Entry

ROOT = Path(__file__).parents[2]
SOME = (
    "ext_ok/model.onnx", "onnx_html_in_names.onnx", "pkl_os_system_p4.bin", "zip_slip_absolute.zip",
    "name_notutf8/raw\ufffd\ufffd.onnx", "name_newline/two\nlines.onnx", "name_shell/a;touch $HOSTILE_CANARY_DIR`id`&.onnx",
    "odd_fifo.onnx", "odd_symlink_loop.onnx",
)  # fmt: skip


@pytest.mark.whole
@pytest.mark.parametrize("name", [*SOME[::2], *(pytest.param(name, marks=pytest.mark.slow) for name in SOME[1::2])])
def test_inspect(name: str, entries: dict[str, Entry], files: dict[str, Path], canary: Path, tmp_path: Path) -> None:
    """Given a file, Then its exit code, one JSON document, a last line in words, and nothing left or executed."""
    temporary, home = tmp_path / "tmp", tmp_path / "home"
    temporary.mkdir()
    command = [sys.executable, "-m", "app", "inspect", os.fsencode(files[name]), "--json"]
    environment = {**os.environ, "FETTLE_HOME": str(home), "TMPDIR": str(temporary)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=120)
    report = json.loads(done.stdout)

    wanted = expected(entries[name])
    assert done.returncode in {OPEN: (0,), EITHER: (0, 3)}.get(wanted, (3,)), done.stderr
    if done.returncode:
        assert all(report["error"][key] for key in ("code", "title", "detail", "hint"))
    else:
        whats = [finding["what"] for finding in report["findings"]]
        assert "Nothing in it was run." in whats
        assert all(what.isprintable() for what in whats)
    lines = done.stderr.decode().splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[-1].endswith((".", ")"))
    assert b"Traceback" not in done.stderr
    assert list(canary.iterdir()) == []
    assert list(temporary.iterdir()) == []
