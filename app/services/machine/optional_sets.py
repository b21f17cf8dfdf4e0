"""Install and remove sets of optional packages: their cost, and the installer as a separate program.

The installer runs outside the sandbox and changes the packages that workers load. No other work runs meanwhile, and
processes that had loaded some of them are restarted.
"""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from pydantic import ValidationError

from app.jobs.environment import is_secret
from app.services.flow.background import Stopped
from app.services.flow.steps import DiskStep, Flow, FlowCancelled, JobError
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe, remember
from app.set_folders import activate
from workers.contracts.base import Frozen
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DescribeResult
from workers.contracts.optional_sets import CARD_SETS, FOLDER_SETS, OptionalSet, install_arguments, install_command
from workers.contracts.text import Text
from workers.contracts.translation import _, mark

AS_JSON = "FETTLE_SETUP_JSON"
"""Variable that makes the installer print its lines as JSON objects (installer/steps/words.py)."""

if sys.platform == "win32":
    NO_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    NO_WINDOW = 0

POLL_S = 0.1
END_WAIT_S = 5.0
"""Seconds after which remaining processes of the installer are killed; its pip usually ends at once."""

MOST_LINES = 40
FAILED = 6
NOT_WHOLE = mark("Look whether Fettle's folder is whole.")


class Cost(Frozen):
    """Cost of a set: its missing packages, the bytes to download and to install, and the bytes that it uses now."""

    packages: int
    download_bytes: int
    installed_bytes: int
    used_bytes: int = 0


@dataclass
class InstallerStatus:
    """Last output of the installer, written while it works and read by the display.

    `share` is 0 to 1 of its present stage, None if unknown.
    """

    line: str = ""
    share: float | None = None


class _Stopped(Exception):
    """The installer stopped after a stop request."""


class _Line(Frozen):
    line: str = ""
    done: float | None = None
    total: float | None = None
    what: Text = ""
    hint: Text = ""
    code: str = ""


@dataclass(frozen=True)
class Installer:
    """The installer of the program in folder `root`, which puts optional sets below `sets`."""

    root: Path
    sets: Path

    @property
    def program(self) -> Path:
        """Return the program that a person also starts."""
        return self.root / "installer" / ("fettle.cmd" if sys.platform == "win32" else "fettle")

    @property
    def is_clone(self) -> bool:
        """Return whether the program runs from a clone, whose environment the installer may change."""
        return self.sets.is_relative_to(self.root)

    def offers(self, name: OptionalSet) -> bool:
        """Return whether a set can be installed here."""
        return self.is_clone or name in FOLDER_SETS

    def cost(self, name: OptionalSet, stopped: Stopped) -> Cost:
        """Return the cost of a set; raises `JobError`."""
        lines, code = self._run(self._bootstrap("cost", name), InstallerStatus(), stopped)
        with contextlib.suppress(ValidationError):
            if code == 0 and lines:
                return Cost.model_validate_json(lines[-1].line)
        raise JobError(_failure(name, lines), FAILED)

    def take(self, name: OptionalSet, status: InstallerStatus, stopped: Stopped) -> None:
        """Install a set; raises `JobError`. What changes the environment also checks that Fettle starts with it."""
        if name not in FOLDER_SETS or (name in CARD_SETS and self.is_clone):
            command = [str(self.program), *install_arguments(name)]
        else:
            command = self._bootstrap("add", name)
        lines, code = self._run(command, status, stopped)
        if code != 0:
            raise JobError(_failure(name, lines), FAILED)

    def remove(self, name: OptionalSet, _stopped: Stopped) -> None:
        """Remove a set and what arrived of its download; raises `JobError`, and then the set stays usable."""
        gone = self.sets / f"{name}.old"
        try:
            for place in (*self.sets.glob(f"{name}-*"), self.sets / "downloads" / name):
                shutil.rmtree(gone, ignore_errors=True)
                if place.exists():
                    place.replace(gone)  # at once, so that no program loads a part of it
            shutil.rmtree(gone, ignore_errors=True)
        except OSError as error:
            raise JobError(_in_use(error), FAILED) from error

    def _bootstrap(self, what: str, name: OptionalSet) -> list[str]:
        return [sys.executable, str(self.root / "installer" / "bootstrap.py"), what, name, str(self.sets)]

    def _run(self, command: Sequence[str], status: InstallerStatus, stopped: Stopped) -> tuple[list[_Line], int]:
        """Run a command and return its last lines and its exit code."""
        return run_installer(command, self.root, status, stopped)


def run_installer(
    command: Sequence[str], folder: Path, status: InstallerStatus, stopped: Stopped
) -> tuple[list[_Line], int]:
    """Run a command of the installer in `folder` and return its last lines and its exit code."""
    try:
        process = _start(command, folder)
    except OSError as error:
        report = _Line(
            what=_("The installer could not be started: {0}.").format(error.strerror or error), hint=NOT_WHOLE
        )
        return [report], FAILED
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process, lines), name="fettle-installer", daemon=True)
    reader.start()
    last: deque[_Line] = deque(maxlen=MOST_LINES)
    try:
        for text in _until_over(lines, stopped):
            _record(_parsed(text), status, last)
        process.wait()
    finally:
        end_with_children(process)
        reader.join(POLL_S)
    return list(last), process.returncode


def _start(command: Sequence[str], folder: Path) -> "subprocess.Popen[str]":
    environ = {name: value for name, value in os.environ.items() if not is_secret(name)}
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=folder,
        env={**environ, AS_JSON: "1", "PYTHONUNBUFFERED": "1"},
        creationflags=NO_WINDOW,
    )


def _read(process: "subprocess.Popen[str]", lines: "queue.SimpleQueue[str | None]") -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _until_over(lines: "queue.SimpleQueue[str | None]", stopped: Stopped) -> Iterator[str]:
    """Yield lines as they come; raise `_Stopped` after a stop request."""
    while True:
        if stopped():
            raise _Stopped
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line


def _parsed(text: str) -> _Line:
    """Return a line of the installer, or the text of a program that it called."""
    with contextlib.suppress(ValueError):
        report = json.loads(text)
        if isinstance(report, dict) and not {"line", "what"}.isdisjoint(report):
            return _Line.model_validate(report)
    return _Line(line=text.strip())


def _record(line: _Line, status: InstallerStatus, last: "deque[_Line]") -> None:
    status.line = line.what or line.line or status.line
    status.share = min(1.0, line.done / line.total) if line.done is not None and line.total else None
    if line.total is None and (line.line or line.what):
        last.append(line)


def _in_use(error: OSError) -> ErrorInfo:
    return ErrorInfo(
        code="set_not_removed",
        title=_("The set was not removed"),
        detail=_("Its folder cannot be changed: {0}.").format(error.strerror or error),
        hint=_("Close other windows and services of Fettle, then try again."),
    )


def _failure(name: OptionalSet, lines: Sequence[_Line]) -> ErrorInfo:
    """Return the installer's own reason of a failure, else its last line."""
    own = next((line for line in reversed(lines) if line.what), None)
    last = lines[-1].line if lines else mark("It ended without a word.")
    log = "\n".join(line.what or line.line for line in lines)
    return ErrorInfo(
        code="setup_failed",
        title="The packages were not installed",
        detail=own.what if own is not None else _("The installer stopped: {0}").format(_(last)),
        hint=own.hint if own is not None else mark("Try again; it resumes where it stopped."),
        traceback=log if own is None else "",
        facts={"command": install_command(name)},
    )


def end_with_children(process: "subprocess.Popen[str]") -> None:
    """End a program with all its child processes and wait for them."""
    if process.poll() is not None:
        return
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    for child in children:
        _signal(child.terminate)
    _, alive = psutil.wait_procs(children, timeout=END_WAIT_S)
    for child in alive:
        _signal(child.kill)
    try:
        process.wait(END_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _signal(send: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.Error):  # it has ended
        send()


def installation_cost(installer: Installer, name: OptionalSet) -> Flow[Cost]:
    """Return the cost of a set, before the person is asked to install it."""
    cost: Cost = yield DiskStep(partial(installer.cost, name), ends_late=True)
    return cost


def take(
    space: Workspace, installer: Installer, name: OptionalSet, status: InstallerStatus
) -> Flow[DescribeResult | None]:
    """Install a set and return the new description of this computer, None if that fails; `status` gets the progress."""
    return _change(space, installer, partial(installer.take, name, status))


def discard(space: Workspace, installer: Installer, name: OptionalSet) -> Flow[DescribeResult | None]:
    """Remove a set and return the new description of this computer, None if that fails."""
    return _change(space, installer, partial(installer.remove, name))


def _change(space: Workspace, installer: Installer, work: Callable[[Stopped], None]) -> Flow[DescribeResult | None]:
    """Change packages; no worker process with old packages waits meanwhile or afterwards."""
    space.pool.rest()
    try:
        yield DiskStep(work, ends_late=True)
    finally:
        activate(installer.sets, installer.root)
        space.pool.wake()
        space.artifacts.reload_versions()
    try:
        machine = yield from describe()
    except (JobError, FlowCancelled):  # the set is installed all the same
        return None
    remember(space.repositories, machine)
    return machine
