"""All that must hold before a change is taken: style, types, walls between the rooms, tests."""

import subprocess
import time

from steps.display import with_screen
from steps.environment import clean_environment
from steps.place import Place
from steps.tests import run_tests
from steps.words import say

_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("vulture", ["-m", "vulture"]),
    ("lint-imports", ["-c", _LINT_IMPORTS, "--no-logo"]),
)


def run_all(place: Place, pytest_arguments: list[str]) -> int:
    """Run each check, the tests last, whatever failed before. 0 if all held; pytest's code if only it fell."""
    results: list[tuple[str, int, float]] = []
    environment = clean_environment()
    for title, arguments in CHECKS:
        results.append(_run(place, title, arguments, environment))
    code, seconds = run_tests(place, pytest_arguments, with_screen(environment))
    results.append(("pytest", code, seconds))
    told = ", ".join(f"{title} {'ok' if code == 0 else 'FAILED'} ({seconds:.0f} s)" for title, code, seconds in results)
    say(f"Checks: {told}")
    if any(code for _, code, _ in results[:-1]):
        return 1
    return results[-1][1]


def _run(place: Place, title: str, arguments: list[str], environment: dict[str, str]) -> tuple[str, int, float]:
    say(f"== {title}")
    started = time.monotonic()
    code = subprocess.run([place.python, *arguments], cwd=place.root, env=environment, check=False).returncode
    return title, code, time.monotonic() - started
