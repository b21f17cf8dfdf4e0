"""Run the tests in parallel and run a few failed tests once more, with a message."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from steps.place import Place
from steps.words import print_line

MOST_AT_ONCE = 4
"""Highest number of parallel test processes: each, with its worker processes, may use some GiB of memory."""

MOST_TWICE = 3
"""Highest number of failed tests to run again. On a busy computer a few tests time out; more failures have a cause."""

TESTS_FAILED = 1
"""pytest's exit code if tests ran and some failed."""

ALL = ["--all"]
"""Arguments for the quick tests and those of complete workflows with many processes, as in CI."""

WITHOUT_SLOW = "not slow and not gpu and not gpu_libs and not models and not package"
"""Marks of `ALL`. Tests selected by name or path run without slow variants as well."""

RECORDS = Path("build", "tests")
"""Folder in the clone for the results, durations and stderr of each pytest run."""

_CRASHED = re.compile(r"worker '[^']+' crashed while running")
_STOPS_EARLY = re.compile(r"--exitfirst|--maxfail.*|-[qsvl]*x[qsvlx]*")
_CHOOSES_MARK = re.compile(r"-m.*")
_SETS_COUNT = re.compile(r"-n.*|--numprocesses.*|-m.*")


@dataclass(frozen=True)
class Case:
    """One test of a junit file; `crashed` means that the process that ran it ended."""

    name: str
    seconds: float
    failed: bool
    crashed: bool


def run_tests(place: Place, pytest_arguments: list[str], environment: dict[str, str]) -> tuple[int, float]:
    """Run the quick tests, or the tests that the arguments select, and return (exit code, seconds)."""
    began = time.monotonic()
    shutil.rmtree(place.root / RECORDS, ignore_errors=True)
    folder = _own_folder(pytest_arguments)
    code = _run_twice_where_honest(place, pytest_arguments, environment, folder)
    if code and folder is not None:
        print_line(f"What the tests wrote lies in {folder}.")
    elif folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return code, time.monotonic() - began


def _own_folder(pytest_arguments: list[str]) -> Path | None:
    """Return a new folder for all files of the tests; None if the arguments name one.

    pytest's default folder keeps three runs: tests that run pytest themselves would remove the files of a failure.
    """
    named = any(argument.startswith("--basetemp") for argument in pytest_arguments)
    return None if named else Path(tempfile.mkdtemp(prefix="fettle-tests-"))


def _run_twice_where_honest(
    place: Place, arguments: list[str], environment: dict[str, str], folder: Path | None
) -> int:
    """Run the tests, run failed tests once more if that is allowed, and return the exit code."""

    def run(name: str, *own: str) -> tuple[int, list[Case]]:
        if folder is not None:
            own = (*own, f"--basetemp={folder / name}")
        return _run_pytest(place, name, [*own, *selected(arguments)], environment)

    code, cases = run("tests", *side_by_side(arguments))
    failed = [case for case in cases if case.failed]
    if crashed := [case.name for case in failed if case.crashed]:
        print_line(f"A process of the tests crashed, which counts as a failure: {', '.join(crashed)}")
        return code
    if code != TESTS_FAILED or not failed or not may_try_again(arguments):
        return code
    if len(failed) > MOST_TWICE:
        print_line(f"{len(failed)} failed: more than {MOST_TWICE} in all are not tried once more.")
        return code
    code, _ = run("tests-again", "--last-failed")
    if code == 0:
        print_line(f"Passed only at the second try: {', '.join(case.name for case in failed)}")
    return code


def _run_pytest(place: Place, name: str, arguments: list[str], environment: dict[str, str]) -> tuple[int, list[Case]]:
    """Run pytest, write its records, and return the exit code and the tests."""
    junit = place.root / RECORDS / f"{name}.xml"
    junit.parent.mkdir(parents=True, exist_ok=True)
    print_line(f"== pytest, {name}")
    command: list[str | Path] = [place.python, "-m", "pytest", f"--junitxml={junit}", *arguments]
    complaints = junit.with_suffix(".stderr")
    with complaints.open("wb") as stderr:
        run = subprocess.run(command, cwd=place.root, env=environment, stderr=stderr, check=False)
    sys.stderr.write(complaints.read_text(encoding="utf-8", errors="replace"))  # last: shows a crash
    cases = read_cases(junit)
    lines = [f"{case.seconds:8.2f}\t{case.name}\n" for case in sorted(cases, key=lambda case: -case.seconds)]
    junit.with_suffix(".durations").write_text("".join(lines), encoding="utf-8")
    return run.returncode, cases


def read_cases(junit: Path) -> list[Case]:
    """Return the tests of a junit file; none if pytest did not write it."""
    if not junit.is_file():
        return []
    cases = []
    for row in ET.parse(junit).iter("testcase"):
        errors = [child for child in row if child.tag in ("failure", "error")]
        text = " ".join(f"{child.get('message', '')} {child.text or ''}" for child in errors)
        name = f"{row.get('classname', '')}::{row.get('name', '')}"
        cases.append(Case(name, float(row.get("time", 0)), bool(errors), _CRASHED.search(text) is not None))
    return cases


def selected(pytest_arguments: list[str]) -> list[str]:
    """Return the arguments for pytest: the quick tests without arguments, else the selected tests without slow ones."""
    if pytest_arguments == ALL:
        return ["-m", WITHOUT_SLOW]
    if not pytest_arguments or any(_CHOOSES_MARK.fullmatch(argument) for argument in pytest_arguments):
        return pytest_arguments
    return [*pytest_arguments, "-m", WITHOUT_SLOW]


def side_by_side(pytest_arguments: list[str]) -> list[str]:
    """Return the arguments for one test process per core, because many tests wait for other processes.

    Arguments that choose a mark run in one process: `-m slow` measures. On two cores, one more process than cores made
    the tests faster (17 instead of 20 minutes), but one test timed out in each run.
    """
    if any(_SETS_COUNT.fullmatch(argument) for argument in pytest_arguments):
        return []
    return ["-n", str(min(os.cpu_count() or 1, MOST_AT_ONCE)), "--dist", "worksteal"]


def may_try_again(pytest_arguments: list[str]) -> bool:
    """Return whether failed tests may run once more.

    They may not if the first failure ends the run, or if pytest does not remember failures. They may not if a mark is
    chosen either, because a measurement fails for a reason.
    """
    stops = (_STOPS_EARLY.fullmatch(argument) or _CHOOSES_MARK.fullmatch(argument) for argument in pytest_arguments)
    return not any(stops) and not any("no:cacheprovider" in argument for argument in pytest_arguments)
