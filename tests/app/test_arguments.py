"""Test of which command lines open the window."""

from pathlib import Path

import pytest

from app.arguments import opens_window


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        ("", True),
        ("--data-dir d", True),
        ("--data-dir=d", True),
        ("model.onnx", True),
        ("./demo", True),
        ("model.onnx ./demo --data-dir d", True),
        ("demo", False),
        ("missing.onnx", False),
        ("--version", False),
        ("model.onnx --json", False),
        ("--data-dir", False),
        ("optimize model.onnx", False),
        ("a\0b", False),
    ],
)
def test_files_open_the_window_words_are_commands(
    line: str, opens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a file model.onnx and a folder named like a command, then the window opens only if the first argument is no
    command."""
    (tmp_path / "model.onnx").touch()
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert opens_window(line.split(" ") if line else []) is opens
