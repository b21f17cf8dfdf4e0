"""How the tests are run: side by side and alone, once more where that is honest, with records of what happened."""

from pathlib import Path

import pytest
from own_python import OwnPython
from steps import tests
from steps.tests import RECORDS, may_try_again, run_tests, side_by_side

ONE = """
from pathlib import Path
import os
import pytest


def falls_once(name):
    seen = Path(__file__).with_name(name)
    there = seen.exists()
    seen.touch()
    assert there


{body}


@pytest.mark.whole
def test_whole():
    assert True
"""
PYTEST = """[pytest]
addopts = -m "not whole"
markers =
    whole: a whole way
    slow: long
    gpu: a card
    models: real ones
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnPython:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # Qt's plugin alone takes longer than these tests
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text(PYTEST)
    return OwnPython(tmp_path)


def run(place: OwnPython, body: str, *arguments: str) -> int:
    import os

    (place.root / "test_small.py").write_text(ONE.format(body=body))
    return run_tests(place, list(arguments), dict(os.environ))[0]


FALLS_ONCE = "def test_falls_once():\n    falls_once('seen')\n\n\ndef test_holds():\n    assert True\n"


def test_test_that_passes_at_the_second_try_is_named(place: OwnPython, capfd: pytest.CaptureFixture[str]) -> None:
    """Given a test that falls the first time, then it is run again alone and reported by its name; the complete workflows are
    not among the tests; both runs leave a record with durations, and what the tests wrote is gone."""
    assert run(place, FALLS_ONCE) == 0
    out, err = capfd.readouterr()
    assert "Passed only at the second try: test_small::test_falls_once" in err
    assert [line for line in err.splitlines() if line.startswith("==")] == [
        "== pytest, tests", "== pytest, tests-again",
    ]  # fmt: skip
    written = sorted(path.name for path in (place.root / RECORDS).iterdir())
    steps = ("tests", "tests-again")
    assert written == sorted(f"{name}.{kind}" for name in steps for kind in ("durations", "stderr", "xml"))
    durations = (place.root / RECORDS / "tests.durations").read_text().splitlines()
    names = ("test_falls_once", "test_holds")
    assert {line.partition("\t")[2] for line in durations} == {f"test_small::{name}" for name in names}
    assert "lies in" not in err and "1 failed" in out


def test_what_fails_twice_has_failed(place: OwnPython, capfd: pytest.CaptureFixture[str]) -> None:
    """Given a test that always falls, then the exit code is 1, and its files stay in the reported folder."""
    body = "def test_falls(tmp_path):\n    (tmp_path / 'evidence').touch()\n    assert False\n"
    assert run(place, body) == 1
    _, err = capfd.readouterr()
    assert "second try:" not in err
    folder = Path(err.split("lies in ")[1].splitlines()[0].removesuffix("."))
    kept = sorted(path.relative_to(folder).parts[0] for path in folder.rglob("evidence"))
    assert kept == ["tests", "tests-again"], "the second try has its own folder"


def test_more_than_three_are_not_tried_again(place: OwnPython, capfd: pytest.CaptureFixture[str]) -> None:
    """Given four tests that fall the first time, then that is a failure."""
    body = "@pytest.mark.parametrize('n', range(4))\ndef test_falls_once(n):\n    falls_once(f'seen {n}')\n"
    assert run(place, body) == 1
    assert "tests-again" not in capfd.readouterr().err


def test_a_crash_is_a_failure(place: OwnPython, capfd: pytest.CaptureFixture[str]) -> None:
    """Given a test whose process ends the first time, and would hold the second, then nothing is tried again, and where
    it crashed is reported after pytest's own end."""
    body = "def test_crashes():\n    if not Path(__file__).with_name('s').exists():\n"
    body += (
        "        Path(__file__).with_name('s').touch()\n        os.abort()\n\n\ndef test_holds():\n    assert True\n"
    )
    assert run(place, body) == 1
    _, err = capfd.readouterr()
    assert "A process of the tests crashed, which counts as a failure" in err and "test_crashes" in err
    assert "tests-again" not in err
    assert "Fatal Python error: Aborted" in err and "in test_crashes" in err


def test_failed_workflow_runs_once_more(place: OwnPython, capfd: pytest.CaptureFixture[str]) -> None:
    """Given a complete workflow that falls once where all tests run, then it is tried again as the quick tests are."""
    body = "@pytest.mark.whole\ndef test_way():\n    falls_once('seen')\n\n\ndef test_holds():\n    assert True\n"
    assert run(place, body, *tests.ALL) == 0
    out, err = capfd.readouterr()
    assert "Passed only at the second try: test_small::test_way" in err and "2 passed" in out


@pytest.mark.parametrize(
    ("arguments", "again"),
    [
        ([], True), (["-k", "x"], True), (["-q", "tests/app"], True), (tests.ALL, True),
        (["-x"], False), (["-qx"], False), (["--exitfirst"], False), (["--maxfail=2"], False), (["--maxfail", "2"], False),
        (["-m", "slow"], False), (["-mslow"], False), (["-p", "no:cacheprovider"], False), (["-pno:cacheprovider"], False),
    ],
)  # fmt: skip
def test_where_a_second_try_would_hide_something(arguments: list[str], again: bool) -> None:
    """Given a run that ends at the first failure, that measures, or that keeps no list, then there is no second try."""
    assert may_try_again(arguments) == again


def test_a_step_takes_nothing_slow_and_a_name_takes_all_else(
    place: OwnPython, capfd: pytest.CaptureFixture[str]
) -> None:
    """Given a complete workflow of two sizes, one of them slow, Then all tests are without the slow one, and so is what its name
    selects, which needs no marks; the quick tests have neither."""
    sizes = "@pytest.mark.parametrize('n', [1, pytest.param(2, marks=pytest.mark.slow)])"
    body = f"@pytest.mark.whole\n{sizes}\ndef test_way(n):\n    assert n == 1\n\n\ndef test_quick():\n    assert True\n"
    for arguments, count in ((tests.ALL, 3), (["-k", "way"], 1), ([], 1)):  # `test_whole` is one, too
        assert run(place, body, *arguments) == 0
        assert f"{count} passed" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "together"),
    [([], True), (["-k", "x"], True), (tests.ALL, True), (["-m", "slow"], False), (["-n0"], False), (["-n", "3"], False)],
)  # fmt: skip
def test_what_measures_runs_alone(arguments: list[str], together: bool) -> None:
    """Given tests chosen by their mark, or a number of processes, then nothing else runs next to them."""
    assert ("worksteal" in side_by_side(arguments)) == together
