"""Run the commands of bootstrap.py."""

import json
import os
import signal
import subprocess
from pathlib import Path
from types import FrameType

from steps.place import Place, is_ready
from steps.words import SetupError, print_failure, print_line

INTERRUPTED = 5
MISSING = 6
BESIDES = ("web", "language", "sign", "cluster")
"""Names of the optional sets: `fettle --NAME` alone installs one."""


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; except on Windows, `start` replaces the process and never returns."""
    command, rest = arguments[:1], arguments[1:]
    place = Place(Path(__file__).resolve().parents[2])
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        if command == ["start"] and rest in ([f"--{name}"] for name in BESIDES):
            return _besides(place, rest[0].removeprefix("--"))
        if command == ["start"]:
            return _start(place, rest, before)
        if command == ["cost"] and len(rest) in (1, 2):
            return _cost(place, rest[0], Path(rest[1]) if rest[1:] else place.sets)
        if command == ["add"] and len(rest) == 2:
            from steps.folders import add

            add(place, Path(rest[1]), rest[0])
            return 0
        if command == ["test"]:
            return _test(place, rest)
        if command == ["repair"]:
            from steps.setup import repair

            repair(place)
            return 0
        if command == ["versions"]:
            from versions.command import run as run_versions

            return run_versions(rest)
    except SetupError as failure:
        print_failure(failure)
        return MISSING
    except KeyboardInterrupt:
        print_line("\nStopped. Run the same command again to go on.")
        return INTERRUPTED
    print_line(
        "usage: bootstrap.py start [--gpu rtx|cuda|none] [arguments] | test [arguments of pytest] | repair"
        " | cost SET [FOLDER] | add SET FOLDER"
    )
    return 2


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def split_gpu(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the set named by a leading `--gpu` (None without one) and the remaining arguments.

    Raises:
        SetupError: if the name is not a set.
    """
    if not arguments or not arguments[0].startswith("--gpu"):
        return None, arguments
    option, _, name = arguments[0].partition("=")
    rest = arguments[1:]
    if not name and rest:
        name, rest = rest[0], rest[1:]
    from steps.sets import NAMES

    if option != "--gpu" or name not in NAMES:
        raise SetupError(f"--gpu takes one of {', '.join(NAMES)}.", "For example: installer/fettle --gpu cuda")
    return name, rest


def _cost(place: Place, name: str, root: Path) -> int:
    """Print the packages and bytes of a set as JSON on stdout, which the window shows before an installation."""
    from steps import machine, sets
    from steps.cost import cost

    if name not in ("base", *BESIDES):
        split_gpu(["--gpu", name])
        sets.choose(machine.detect(), name)
    print(json.dumps(cost(place, name, root)))
    return 0


def _start(place: Place, arguments: list[str], before: object) -> int:
    report, arguments = split_gpu(arguments)
    if report is not None:
        from steps.setup import take_set

        take_set(place, report)
        if not arguments:
            return 0
    if not is_ready(place, "program"):
        from steps.setup import ensure

        ensure(place, "program")
    from steps.system import opens_window, ready_for_window

    if opens_window(arguments, os.environ):
        ready_for_window(os.environ, place.log)
    signal.signal(signal.SIGTERM, before)  # type: ignore[arg-type]
    # -P: Python must not import a folder `app` of the current directory instead of Fettle's package.
    command = [str(place.python), "-P", "-m", "app", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    if os.name != "nt":
        os.execve(command[0], command, environment)
    with subprocess.Popen(command, env=environment) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the program received the same Ctrl+C and ends by itself


def _besides(place: Place, name: str) -> int:
    from steps.setup import add, ensure

    ensure(place, "program")
    return add(place, name)


def _test(place: Place, arguments: list[str]) -> int:
    from steps.checks import run_all
    from steps.setup import add, compile_own, ensure
    from steps.system import ready_for_tests

    ensure(place, "tests")
    compile_own(place)  # the files changed since the last set-up
    ready_for_tests(place.log)
    for name in ("web", "language"):
        add(place, name)  # the tests that need the set report its absence
    return run_all(place, arguments)
