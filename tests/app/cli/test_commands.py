"""The command line itself: usage, global options, exit codes, the form of every error."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import looking
from app.cli.main import main
from app.services.flow.steps import JobError
from app.version import VERSION
from workers.contracts.errors import ErrorInfo, InputRefused

LATER = ["cluster"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own; nothing here may make one without need."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "home"


def last_line(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """(standard output, last line of standard error)."""
    told = capsys.readouterr()
    return told.out, told.err.rstrip("\n").splitlines()[-1] if told.err else ""


WRONG = [
    ["nonsense"],
    ["--quiet"],
    ["optimize"],
    ["optimize", "m.onnx", "--nothing"],
    ["optimize", "m.onnx", "--resume", "r"],
    ["optimize", "--resume", "r", "--seed", "3"],
    ["optimize", "--resume", "r", "--preset", "fastest"],
    ["optimize", "m.onnx", "--max-loss", "101"],
    ["optimize", "m.onnx", "--max-loss", "x"],
    ["optimize", "m.onnx", "--time-budget", "0"],
    ["optimize", "m.onnx", "--threads", "0"],
    ["optimize", "m.onnx", "--shape", "1x0"],
    ["optimize", "m.onnx", "--shape", "1x2", "--shape", "1x3"],
    ["optimize", "m.onnx", "--seed", "-1"],
    ["export", "run"],
    ["export", "run", "--target", "python"],
    ["export", "run", "--target", "python", "--out", "b.zip", "--answer", "Mira"],
    ["bench", "m.onnx", "--batch", "0"],
    ["bench", "m.onnx", "--seconds", "0"],
    ["bench", "m.onnx", "--scenario", "nice"],
    ["prove", "a.onnx"],
    ["prove", "a.onnx", "b.onnx", "--match", "x"],
    ["prove", "a.onnx", "b.onnx", "--match", "x=y", "--match", "z=y"],
    ["prove", "a.onnx", "b.onnx", "--max-loss", "101"],
    ["prove", "a.onnx", "b.onnx", "--preset", "balanced"],
    ["prove", "a.onnx", "b.onnx", "--task", "nonsense"],
    ["compare"],
    ["verify"],
    ["data"],
    ["data", "check"],
    ["data", "check", "a", "--against"],
    ["data", "check", "a", "--seed", "-1"],
    ["data", "doctor"],
    ["data", "doctor", "m.onnx"],
    ["inspect", "a", "b"],
    ["demo", "--data-dir"],
    ["demo", "--data-dir="],
    *[[name, "x"] for name in LATER],
]


@pytest.mark.parametrize("arguments", WRONG, ids=[" ".join(line) for line in WRONG])
def test_wrong_usage(capsys: pytest.CaptureFixture[str], home: Path, arguments: list[str]) -> None:
    """Given a line that cannot be understood, then exit code 2, the error as JSON where asked for, nothing touched."""
    assert main(["--json", *arguments]) == 2
    out, line = last_line(capsys)
    assert list(json.loads(out)) == ["error"]
    error = json.loads(out)["error"]
    assert list(error) == ["code", "title", "detail", "hint"]
    assert error["code"] == "usage"
    assert line.startswith("Wrong usage. ")
    assert main(arguments) == 2
    out, _ = last_line(capsys)
    assert out == ""
    assert not home.exists()


def test_commands_of_later_issues_are_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Given --help, then the commands that exist are listed, and none that does not."""
    assert main(["--help"]) == 0
    out, _ = last_line(capsys)
    listed = {line.split()[1] for line in out.splitlines() if line.startswith("│") and len(line.split()) > 1}
    assert {"demo", "describe", "inspect", "optimize", "compare", "bench", "export", "verify", "jobs"} <= listed
    assert {"releases", "release", "rollback", "monitor", "chat", "gpu", "prove"} <= listed
    assert not set(LATER) & listed
    assert "--data-dir" in out


@pytest.mark.parametrize("arguments", [["--version"], ["jobs", "--version"], ["--version", "nonsense"]])
def test_the_version(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Given --version anywhere, then the version and nothing else."""
    assert main(arguments) == 0
    assert last_line(capsys) == (f"fettle {VERSION}\n", "")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": VERSION}


def test_reading_commands_make_no_data_folder(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """Given no data folder yet, then `jobs` shows none and makes none, and `compare` says that there is no such run."""
    assert main(["jobs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"runs": [], "jobs": []}
    assert main(["compare", "nobody"]) == 3
    assert not home.exists()


def test_the_data_folder_is_that_of_the_option(capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path) -> None:
    """Given --data-dir before or after the command, then it goes over FETTLE_HOME."""
    (tmp_path / "file").write_text("")
    for arguments in (["--data-dir", str(tmp_path / "file"), "demo"], ["demo", f"--data-dir={tmp_path / 'file'}"]):
        assert main([*arguments, "--out", str(tmp_path / "d.zip")]) == 6
        assert str(tmp_path / "file") in last_line(capsys)[1]
    assert not home.exists()


INFO = ErrorInfo(code="x", title="Broken", detail="It is broken.", hint="Bring another.")
ERRORS: list[tuple[BaseException, int, str]] = [
    (JobError(INFO, 3), 3, "x"),
    (JobError(INFO, 6), 6, "x"),
    (InputRefused("y", "No", "It is bad.", "Bring another."), 3, "y"),
    (KeyboardInterrupt(), 5, "cancelled"),
    (ZeroDivisionError("a mistake"), 1, "internal"),
]


@pytest.mark.parametrize(("error", "code", "name"), ERRORS, ids=[row[2] + str(row[1]) for row in ERRORS])
def test_every_way_to_fail_has_its_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, name: str
) -> None:
    """Given a command that raises, then its exit code, one JSON document, and the same words as the last line."""

    def fail(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr(looking, "workspace", fail)
    assert main(["jobs", "--json"]) == code
    out, line = last_line(capsys)
    assert json.loads(out)["error"]["code"] == name
    assert json.loads(out)["error"]["title"] in line


def test_who_reads_may_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a pipe whose reader is gone, then the command ends quietly."""

    def fail(*_: Any, **__: Any) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(looking, "workspace", fail)
    monkeypatch.setattr("app.cli.main.os.dup2", lambda *_: 0)
    assert main(["jobs"]) == 5
