"""Test of which command lines open the window."""

from pathlib import Path

import pytest

from app.arguments import opens_window, window_arguments


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


def test_addresses_of_files_become_paths(tmp_path: Path) -> None:
    """Given files as a desktop names them, When the window is opened with several, Then each is a path without escapes;
    an address elsewhere stays as it is and opens nothing."""
    model, folder = tmp_path / "ünï 模型 a#b%20.onnx", tmp_path / "my pictures"
    model.touch()
    folder.mkdir()
    line = [model.as_uri(), str(folder), "--data-dir", "d"]
    assert window_arguments(line) == ("d", [str(model), str(folder)])
    assert opens_window(line)
    assert window_arguments(["--data-dir"]) == ("", [])
    assert not opens_window(["file://elsewhere/model.onnx"])
