"""Tests of the command line itself: usage, options, exit codes, the form of every error, keys and documentation."""

import io
import json
import os
import pty
import sys
from pathlib import Path
from typing import Any

import pytest

from app.cli import looking
from app.cli.main import main
from app.cli.output import enter_pressed, is_terminal
from app.help import TOPICS, task_pages
from app.services.flow.steps import JobError
from app.version import VERSION
from presets.loader import load_preset, load_presets
from presets.own_presets import preset_text, save_preset
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding, ModelInfo, Recipe

LATER = ["cluster"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a data folder that does not exist; commands that only read must not create it."""
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "home"


def last_line(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return standard output and the last line of standard error."""
    printed = capsys.readouterr()
    return printed.out, printed.err.rstrip("\n").splitlines()[-1] if printed.err else ""


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return what a successful command prints with --json."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


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
def test_wrong_usage_exits_with_2_and_touches_nothing(
    capsys: pytest.CaptureFixture[str], home: Path, arguments: list[str]
) -> None:
    """Given a malformed command line, then the exit code is 2, --json prints the error as JSON, and no file is touched."""
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


def test_help_lists_only_existing_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Given --help, then all existing commands are listed and no other."""
    assert main(["--help"]) == 0
    out, _ = last_line(capsys)
    listed = {line.split()[1] for line in out.splitlines() if line.startswith("│") and len(line.split()) > 1}
    assert {"demo", "describe", "inspect", "optimize", "compare", "bench", "export", "verify", "jobs"} <= listed
    assert {"releases", "release", "rollback", "monitor", "chat", "gpu", "prove"} <= listed
    assert not set(LATER) & listed
    assert "--data-dir" in out


@pytest.mark.parametrize("arguments", [["--version"], ["jobs", "--version"], ["--version", "nonsense"]])
def test_version_is_printed_alone(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Given --version anywhere, then only the version is printed."""
    assert main(arguments) == 0
    assert last_line(capsys) == (f"fettle {VERSION}\n", "")
    assert document(capsys, *arguments) == {"version": VERSION}


def test_reading_commands_make_no_data_folder(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """Given no data folder, then `jobs` lists nothing and creates none, and `compare` reports that the run does not
    exist."""
    assert document(capsys, "jobs") == {"runs": [], "jobs": []}
    assert main(["compare", "nobody"]) == 3
    assert not home.exists()


def test_data_dir_option_overrides_the_environment(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    """Given --data-dir before or after the command, then it is used instead of FETTLE_HOME."""
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
def test_each_kind_of_error_has_its_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, name: str
) -> None:
    """Given a command that raises, then it has its exit code, one JSON document, and the same words as the last line."""

    def fail(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr(looking, "workspace", fail)
    assert main(["jobs", "--json"]) == code
    out, line = last_line(capsys)
    assert json.loads(out)["error"]["code"] == name
    assert json.loads(out)["error"]["title"] in line


def test_command_ends_quietly_when_its_reader_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a pipe whose reader has ended, then the command ends without a traceback."""

    def fail(*_: Any, **__: Any) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(looking, "workspace", fail)
    monkeypatch.setattr("app.cli.main.os.dup2", lambda *_: 0)
    assert main(["jobs"]) == 5


def test_enter_pressed_reports_each_press_once_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a terminal, then no key is reported at first, and ENTER is reported once."""
    outer, inner = pty.openpty()
    with os.fdopen(inner, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        assert is_terminal() and not enter_pressed()
        os.write(outer, b"\n")
        assert enter_pressed() and not enter_pressed()
    os.close(outer)


def test_enter_pressed_is_false_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a pipe, or a closed or missing standard input, then there is no terminal, whatever the input holds."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n\n"))
    assert not is_terminal() and not enter_pressed()
    monkeypatch.setattr(sys, "stdin", None)
    assert not is_terminal() and not enter_pressed()
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    assert not is_terminal() and not enter_pressed()


def test_docs_without_topic_lists_all_topics(capsys: pytest.CaptureFixture[str]) -> None:
    """Given no topic, then all topics and titles are listed, as text and as JSON."""
    assert main(["docs"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(TOPICS)
    expected = [{"topic": page.topic, "title": page.title} for page in task_pages().values()]
    assert document(capsys, "docs") == {"topics": expected}


@pytest.mark.parametrize("topic", TOPICS)
def test_docs_prints_a_page_as_plain_text(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a topic, then its page is printed without Markdown for pictures and bold text, and JSON holds the same
    text."""
    assert main(["docs", topic]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{task_pages()[topic].title}\n\n")
    assert "**" not in text and "![" not in text and "pictures/" not in text
    expected = {"topic": topic, "title": task_pages()[topic].title, "text": text.rstrip("\n")}
    assert document(capsys, "docs", topic) == expected


def test_docs_of_unknown_topic_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a topic that does not exist, then the exit code is 2 and all topics are named."""
    assert main(["docs", "cooking"]) == 2
    printed = capsys.readouterr().err
    assert all(topic in printed for topic in TOPICS)
    assert main(["docs", "cooking", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def own_file(folder: Path, preset_id: str = "mine") -> Path:
    base = load_presets().get("balanced")
    path = folder / "somewhere.yaml"
    path.write_text(preset_text(base.model_copy(update={"id": preset_id, "title": "Mine"})), encoding="utf-8")
    return path


@pytest.mark.parametrize("command", [["presets"], ["presets", "list"]])
def test_presets_lists_all_builtin_presets(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Given a fresh data folder, then the six built-in presets are listed, as text and as JSON."""
    assert main(command) == 0
    assert "balanced" in capsys.readouterr().out
    rows = document(capsys, *command)["presets"]
    assert {row["id"] for row in rows} >= {"balanced", "fastest", "smallest", "no-loss", "small-device", "busy-server"}
    assert not any(row["own"] for row in rows)


def test_shown_preset_can_be_added_with_another_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given the output of `presets show`, when its id is changed and it is added, then it has the same recipes."""
    assert main(["presets", "show", "fastest"]) == 0
    text = capsys.readouterr().out
    path = tmp_path / "f.yaml"
    path.write_text(text.replace("id: fastest", "id: mine", 1), encoding="utf-8")
    assert main(["presets", "add", str(path)]) == 0
    shown = document(capsys, "presets", "show", "mine")
    assert shown["recipes"] == load_presets().get("fastest").model_dump(mode="json")["recipes"]
    rows = {row["id"]: row["own"] for row in document(capsys, "presets", "list")["presets"]}
    assert rows["mine"] is True


def test_invalid_preset_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a file with a mistake, a taken id or a missing file, then the exit code is 3 or 2 and nothing is stored."""
    wrong = tmp_path / "w.yaml"
    wrong.write_text("id: mine\ntitle: Mine\nrecipez: []\n", encoding="utf-8")
    assert main(["presets", "add", str(wrong)]) == 3
    assert "w.yaml, line" in capsys.readouterr().err
    assert main(["presets", "add", str(own_file(tmp_path, "balanced"))]) == 3
    assert "already" in capsys.readouterr().err
    assert main(["presets", "add", str(own_file(tmp_path))]) == 0
    assert main(["presets", "add", str(own_file(tmp_path))]) == 3
    assert main(["presets", "add", str(tmp_path / "none.yaml")]) in (2, 3)
    assert main(["presets", "show", "none"]) == 2
    assert [path.name for path in (home / "presets").iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("title", "preset_id"),
    [("My shop", "my-shop"), ("Größe  zählt", "groe-zahlt"), ("日本", "own"), ("Balanced", "balanced-2")],
)
def test_saved_preset_gets_an_id_from_its_name(tmp_path: Path, title: str, preset_id: str) -> None:
    """Given a name in the user's own words, then the saved file has a plain unique id and reads back unchanged."""
    base = load_presets().get("balanced")
    recipe = Recipe(title="One", runtime="openvino", settings={"num_threads": 1})
    saved = save_preset(base.model_copy(update={"recipes": (recipe,)}), title, tmp_path)
    assert saved.id == preset_id
    assert load_preset(tmp_path / f"{preset_id}.yaml") == saved
    again = save_preset(base, title, tmp_path)
    assert again.id not in (saved.id, base.id)


def test_inspect_ends_with_what_prevents_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a file of weights without code, Then the last line is that problem instead of "Opened safely"."""
    facts = {"name": "m", "format": "checkpoint", "task": "arrays", "inputs": (), "outputs": (), "parameters": 1}
    problem = Finding(level="danger", what="It holds no code.")
    (tmp_path / "m.pt").write_bytes(b"x")
    for findings, wanted in (((problem,), "It holds no code."), ((), "Opened safely: checkpoint.")):
        info = ModelInfo(**facts, size_bytes=1, sha256="", findings=findings)
        monkeypatch.setattr(looking, "run", lambda *_, info=info: info)
        assert main(["inspect", str(tmp_path / "m.pt")]) == 0
        assert last_line(capsys)[1] == wanted
