"""System packages: installed by root with apt-get, otherwise named. A stand-in for apt-get writes down its calls."""

from pathlib import Path

import pytest
from steps import environment, system
from steps.place import Place
from steps.words import SetupError

MISSING = (("libnowhere-fettle.so.9", "libnowhere9"),)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of PATH with an apt-get that succeeds; the file of its calls."""
    report = tmp_path / "calls"
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>"{report}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(system, "QT_BASE", MISSING)
    monkeypatch.setattr(system, "QT_X11", ())
    monkeypatch.setattr(system.sys, "platform", "linux")
    return report


def test_root_installs(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given root on a system with apt-get, then the lists are brought up to date and the package is installed."""
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)

    system.ready_for_window({"DISPLAY": ":0"}, tmp_path / "log")
    assert calls.read_text().splitlines() == ["-q update", "-q install -y --no-install-recommends libnowhere9"]


def test_other_users_get_the_command(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another user, then nothing is called, and the library and the command are named."""
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)

    with pytest.raises(SetupError) as caught:
        system.ready_for_window({"DISPLAY": ":0"}, tmp_path / "log")
    assert "libnowhere-fettle.so.9" in caught.value.what
    assert "sudo apt-get install -y libnowhere9" in caught.value.hint
    assert not calls.exists()


def test_tests_go_on_without(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given another user and missing programs, then `installer/test` names them and goes on."""
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)

    system.ready_for_tests(tmp_path / "log")
    report = capsys.readouterr().err
    assert "Xvfb" in report and "sudo apt-get install -y libnowhere9 xvfb" in report


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("because ensurepip is not\navailable.", "apt-get install -y python3."),
        ("Error: [Errno 28] No space left", "Make room there"),
    ],
)
def test_python_that_makes_no_environment(
    words: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Debian's Python without the package that makes environments, or a full disk, then the remedy is shown."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{words}'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(environment.sys, "executable", str(program))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SetupError) as caught:
        environment.make(Place(tmp_path))
    assert expected in caught.value.hint
