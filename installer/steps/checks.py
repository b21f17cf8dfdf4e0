"""All that must hold before a change is taken: style, types, walls between the rooms, tests."""

import os
import subprocess
import time

from steps.display import with_screen
from steps.environment import clean_environment
from steps.place import Place
from steps.words import say

_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("lint-imports", ["-c", _LINT_IMPORTS, "--no-logo"]),
)

MOST_AT_ONCE = 4
"""Each process of tests, with the workers that it starts, may hold some GiB."""

TESTS_FAILED = 1
"""pytest's exit code where tests ran and some failed."""


def run_all(place: Place, pytest_arguments: list[str]) -> int:
    """Run each check, the tests last, whatever failed before. 0 if all held; pytest's code if only it fell."""
    results: list[tuple[str, int, float]] = []
    environment = clean_environment()
    for title, arguments in CHECKS:
        results.append(_run(place, title, arguments, environment))
    with_display = with_screen(environment)
    tests = _run(place, "pytest", ["-m", "pytest", *_side_by_side(pytest_arguments), *pytest_arguments], with_display)
    if tests[1] == TESTS_FAILED and "no:cacheprovider" not in pytest_arguments:
        tests = _again(place, tests, pytest_arguments, with_display)
    results.append(tests)
    told = ", ".join(f"{title} {'ok' if code == 0 else 'FAILED'} ({seconds:.0f} s)" for title, code, seconds in results)
    say(f"Checks: {told}")
    if any(code for _, code, _ in results[:-1]):
        return 1
    return results[-1][1]


def _side_by_side(pytest_arguments: list[str]) -> list[str]:
    """One process for each core, as many tests wait for processes of their own; not where some are chosen: `-m slow`
    measures."""
    if any(argument in ("-m", "-n") for argument in pytest_arguments):
        return []
    return ["-n", str(min(os.cpu_count() or 1, MOST_AT_ONCE)), "--dist", "worksteal"]


def _again(
    place: Place, first: tuple[str, int, float], pytest_arguments: list[str], environment: dict[str, str]
) -> tuple[str, int, float]:
    """What failed, once more and alone: on a machine that others load too, time runs out now and then. Told as such."""
    arguments = ["-m", "pytest", "--last-failed", *pytest_arguments]
    title, code, seconds = _run(place, "pytest, what failed once more", arguments, environment)
    return title if code == 0 else first[0], code, first[2] + seconds


def _run(place: Place, title: str, arguments: list[str], environment: dict[str, str]) -> tuple[str, int, float]:
    say(f"== {title}")
    started = time.monotonic()
    code = subprocess.run([place.python, *arguments], cwd=place.root, env=environment, check=False).returncode
    return title, code, time.monotonic() - started
