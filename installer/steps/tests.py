"""The tests, side by side; what fails is tried once more, which is told and has a cap."""

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
from steps.words import say

MOST_AT_ONCE = 4
"""Each process of tests, with the workers that it starts, may hold some GiB."""

MOST_TWICE = 3
"""On a computer that others load too, time runs out now and then; what happens more often has a cause."""

TESTS_FAILED = 1
"""pytest's exit code where tests ran and some failed."""

WHOLE = ["-m", "whole"]
"""Whole ways through the program, of many processes each: CI's second step. They hold or fall, they measure nothing."""

WITHOUT_SLOW = "not slow and not gpu and not gpu_libs and not models"
"""Some of the sizes of a test may be slow, and what is chosen by its name or place is run without those."""

RECORDS = Path("build", "tests")
"""Below the clone: what each run of pytest came to, how long each test took, what was written to stderr."""

_CRASHED = re.compile(r"worker '[^']+' crashed while running")
_STOPS_EARLY = re.compile(r"--exitfirst|--maxfail.*|-[qsvl]*x[qsvlx]*")
_CHOOSES_MARK = re.compile(r"-m.*")
_SAYS_HOW_MANY = re.compile(r"-n.*|--numprocesses.*|-m.*")


@dataclass(frozen=True)
class Case:
    """One test of a junit file. `crashed`: the process that ran it ended with it."""

    name: str
    seconds: float
    failed: bool
    crashed: bool


def run_tests(place: Place, pytest_arguments: list[str], environment: dict[str, str]) -> tuple[int, float]:
    """(exit code, seconds): the quick tests; what is chosen by arguments, where some are given."""
    began = time.monotonic()
    step = "whole" if pytest_arguments == WHOLE else "tests"
    for record in (place.root / RECORDS).glob(f"{step}*"):
        record.unlink()
    run = _Runs(place, environment, _own_folder(pytest_arguments), step)
    code = run.twice_where_honest(pytest_arguments)
    if code and run.folder is not None:
        say(f"What the tests wrote lies in {run.folder}.")
    elif run.folder is not None:
        shutil.rmtree(run.folder, ignore_errors=True)
    return code, time.monotonic() - began


def _own_folder(pytest_arguments: list[str]) -> Path | None:
    """For all that the tests write, None where the arguments name one. pytest's own place keeps three runs: tests that
    run pytest themselves would push out what failed.
    """
    named = any(argument.startswith("--basetemp") for argument in pytest_arguments)
    return None if named else Path(tempfile.mkdtemp(prefix="fettle-tests-"))


@dataclass(frozen=True)
class _Runs:
    """Runs of pytest, one after the other; what the tests write goes into `folder`, the records of this `step` into
    files of its name.
    """

    place: Place
    environment: dict[str, str]
    folder: Path | None
    step: str

    def twice_where_honest(self, arguments: list[str]) -> int:
        """Exit code, with what failed once more where that may be tried."""
        code, cases = self._pytest(self.step, [*side_by_side(arguments), *selected(arguments)])
        failed = [case for case in cases if case.failed]
        if crashed := [case.name for case in failed if case.crashed]:
            say(f"A process of the tests crashed, which counts as a failure: {', '.join(crashed)}")
            return code
        if code != TESTS_FAILED or not failed or not may_try_again(arguments):
            return code
        if len(failed) > MOST_TWICE:
            say(f"{len(failed)} failed: more than {MOST_TWICE} in all are not tried once more.")
            return code
        code, _ = self._pytest(f"{self.step}-again", ["--last-failed", *selected(arguments)])
        if code == 0:
            say(f"Passed only at the second try: {', '.join(case.name for case in failed)}")
        return code

    def _pytest(self, name: str, arguments: list[str]) -> tuple[int, list[Case]]:
        junit = self.place.root / RECORDS / f"{name}.xml"
        junit.parent.mkdir(parents=True, exist_ok=True)
        own = [f"--junitxml={junit}"]
        if self.folder is not None:
            own.append(f"--basetemp={self.folder / name}")
        say(f"== pytest, {name}")
        command: list[str | Path] = [self.place.python, "-m", "pytest", *own, *arguments]
        complaints = junit.with_suffix(".stderr")
        with complaints.open("wb") as stderr:
            run = subprocess.run(command, cwd=self.place.root, env=self.environment, stderr=stderr, check=False)
        sys.stderr.write(complaints.read_text(encoding="utf-8", errors="replace"))  # last: where a process crashed
        cases = read_cases(junit)
        lines = [f"{case.seconds:8.2f}\t{case.name}\n" for case in sorted(cases, key=lambda case: -case.seconds)]
        junit.with_suffix(".durations").write_text("".join(lines), encoding="utf-8")
        return run.returncode, cases


def read_cases(junit: Path) -> list[Case]:
    """What a run of pytest wrote; nothing where it did not come to that."""
    if not junit.is_file():
        return []
    found = []
    for row in ET.parse(junit).iter("testcase"):
        wrong = [child for child in row if child.tag in ("failure", "error")]
        said = " ".join(f"{child.get('message', '')} {child.text or ''}" for child in wrong)
        name = f"{row.get('classname', '')}::{row.get('name', '')}"
        found.append(Case(name, float(row.get("time", 0)), bool(wrong), _CRASHED.search(said) is not None))
    return found


def selected(pytest_arguments: list[str]) -> list[str]:
    """What pytest is told: without arguments it takes the quick tests, what it was asked for is quick or whole."""
    if pytest_arguments == WHOLE:
        return ["-m", f"whole and {WITHOUT_SLOW}"]
    if not pytest_arguments or any(_CHOOSES_MARK.fullmatch(argument) for argument in pytest_arguments):
        return pytest_arguments
    return [*pytest_arguments, "-m", WITHOUT_SLOW]


def side_by_side(pytest_arguments: list[str]) -> list[str]:
    """One process for each core, as many tests wait for processes of their own; not where the arguments choose a mark:
    `-m slow` measures. With one more on two cores it took 17 minutes for 20, and a test lost its time each run.
    """
    if pytest_arguments != WHOLE and any(_SAYS_HOW_MANY.fullmatch(argument) for argument in pytest_arguments):
        return []
    return ["-n", str(min(os.cpu_count() or 1, MOST_AT_ONCE)), "--dist", "worksteal"]


def may_try_again(pytest_arguments: list[str]) -> bool:
    """Not where the first failure ends the run, where a mark is chosen (what measures fails for a reason), or where
    nobody remembers what failed.
    """
    if pytest_arguments == WHOLE:
        return True
    stops = (_STOPS_EARLY.fullmatch(argument) or _CHOOSES_MARK.fullmatch(argument) for argument in pytest_arguments)
    return not any(stops) and not any("no:cacheprovider" in argument for argument in pytest_arguments)
