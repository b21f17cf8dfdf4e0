"""Run all checks that a change must pass: style, types, import contracts and tests."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO

from steps import gpu_libs
from steps.environment import clean_environment
from steps.place import Place
from steps.system import has_display
from steps.tests import run_tests
from steps.words import print_line

_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("vulture", ["-m", "vulture"]),
    ("lint-imports", ["-c", _LINT_IMPORTS, "--no-logo"]),
)


def run_all(place: Place, pytest_arguments: list[str]) -> int:
    """Run each check and then the tests, whether or not an earlier check fails.

    Returns:
        0 if everything passed, pytest's exit code if only pytest failed, else 1.
    """
    environment = clean_environment()
    results = _run_checks(place, environment)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # cached byte code halves collection time
    if gpu_libs.wanted(pytest_arguments):
        environment = gpu_libs.prepare(place, environment)
    code, seconds = run_tests(place, pytest_arguments, with_screen(environment))
    results.append(("pytest", code, seconds))
    report = ", ".join(
        f"{title} {'ok' if code == 0 else 'FAILED'} ({seconds:.0f} s)" for title, code, seconds in results
    )
    print_line(f"Checks: {report}")
    if any(code for _, code, _ in results[:-1]):
        return 1
    return results[-1][1]


def with_screen(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for tests that open windows.

    Without Xvfb and without a display, the tests use Qt's offscreen platform and a message says so.
    """
    if shutil.which("Xvfb") is not None or has_display(environment):
        return dict(environment)
    print_line("There is no display and no Xvfb: windows are drawn offscreen, tests of real ones are skipped.")
    return {**environment, "QT_QPA_PLATFORM": "offscreen"}


def _run_checks(place: Place, environment: dict[str, str]) -> list[tuple[str, int, float]]:
    """Run all checks at once, since each uses one core, and print their output one after the other.

    Returns:
        (title, exit code, seconds) of each check.
    """
    began, results = time.monotonic(), []
    with ExitStack() as stack:
        running = [(title, *_begin(place, arguments, environment, stack)) for title, arguments in CHECKS]
        for title, process, report in running:
            code = process.wait()
            report.seek(0)
            print_line(f"== {title}\n{report.read().decode(errors='replace').rstrip()}".rstrip())
            results.append((title, code, time.monotonic() - began))
    return results


def _begin(
    place: Place, arguments: list[str], environment: dict[str, str], stack: ExitStack
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Start a check and return its process and its output file; both close with `stack`."""
    report = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    process = stack.enter_context(
        subprocess.Popen([place.python, *arguments], cwd=place.root, env=environment, stdout=report, stderr=report)
    )
    stack.callback(process.kill)
    return process, report
