"""`installer/test`: every check runs, any that falls shows in the exit code, and a screen of its own ends with it."""

import sys
from pathlib import Path

import pytest
from steps import checks, display
from steps.place import Place


class OwnPython(Place):
    """A clone whose Python is the one that runs the tests."""

    @property
    def python(self) -> Path:
        return Path(sys.executable)


@pytest.fixture
def place(tmp_path: Path) -> OwnPython:
    (tmp_path / "test_small.py").write_text("def test_small():\n    assert True\n")
    return OwnPython(tmp_path)


def fake(code: int) -> tuple[str, list[str]]:
    return f"check {code}", ["-c", f"raise SystemExit({code})"]


@pytest.mark.parametrize(
    ("codes", "pytest_arguments", "expected"),
    [((0, 0), [], 0), ((0, 3), [], 1), ((3, 0), [], 1), ((0, 0), ["-k", "nothing"], 5)],
)
def test_any_failure_is_one(
    place: OwnPython,
    codes: tuple[int, ...],
    pytest_arguments: list[str],
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Given checks that fall or hold, then all of them and the tests run, and the exit code is 0 only if all held."""
    monkeypatch.setattr(checks, "CHECKS", tuple(fake(code) for code in codes))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")

    assert checks.run_all(place, [*pytest_arguments, "-p", "no:cacheprovider"]) == expected
    out, err = capfd.readouterr()
    assert ("1 passed" in out) == (not pytest_arguments)
    assert err.splitlines()[-1].count("FAILED") == sum(code != 0 for code in codes) + bool(pytest_arguments)


@pytest.mark.parametrize(
    ("xvfb", "given", "platform"),
    [("/usr/bin/Xvfb", {}, None), (None, {"DISPLAY": ":7"}, None), (None, {}, "offscreen")],
)
def test_windows_are_drawn_where_there_is_a_screen(
    xvfb: str | None,
    given: dict[str, str],
    platform: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given neither Xvfb nor a display, then Qt draws nowhere and that is told; else nothing is changed."""
    monkeypatch.setattr(display.shutil, "which", lambda name: xvfb)
    assert display.with_screen(given).get("QT_QPA_PLATFORM") == platform
    assert ("offscreen" in capsys.readouterr().err) == (platform is not None)


@pytest.mark.parametrize(("arguments", "together"), [([], True), (["-k", "x"], True), (["-m", "slow"], False)])
def test_what_measures_runs_alone(
    place: OwnPython, arguments: list[str], together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given tests chosen by their mark, then nothing runs beside them."""
    asked: list[list[str]] = []
    monkeypatch.setattr(checks, "CHECKS", ())
    monkeypatch.setattr(
        checks, "_run", lambda place, title, words, environment: (asked.append(words), (title, 0, 0.0))[1]
    )
    assert checks.run_all(place, arguments) == 0
    assert ("worksteal" in asked[0]) == together


FALLS_ONCE = """
from pathlib import Path


def test_falls_once():
    seen = Path(__file__).with_name("seen")
    there = seen.exists()
    seen.touch()
    assert there


def test_holds():
    assert True
"""


@pytest.mark.parametrize(("text", "expected"), [(FALLS_ONCE, 0), ("def test_falls():\n    assert False\n", 1)])
def test_what_failed_is_tried_once_more(
    place: OwnPython, text: str, expected: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Given a test that falls the first time, then it is run again alone and told so; one that falls twice has failed."""
    monkeypatch.setattr(checks, "CHECKS", ())
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    (place.root / "test_small.py").write_text(text)

    assert checks.run_all(place, []) == expected
    _, err = capfd.readouterr()
    assert "== pytest, what failed once more" in err
