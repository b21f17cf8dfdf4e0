"""`installer/test`: every check runs, any that falls shows in the exit code, and its own screen ends with it."""

from pathlib import Path

import pytest
from own_python import OwnPython
from steps import checks


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
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # Qt's plugin alone takes longer than these tests
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")

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
    """Given neither Xvfb nor a display, then Qt draws nowhere and that is reported; else nothing is changed."""
    monkeypatch.setattr(checks.shutil, "which", lambda name: xvfb)
    assert checks.with_screen(given).get("QT_QPA_PLATFORM") == platform
    assert ("offscreen" in capsys.readouterr().err) == (platform is not None)
