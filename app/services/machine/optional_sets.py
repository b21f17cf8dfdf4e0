"""Install and remove sets of optional packages: their cost, and the installer as a separate program.

The installer runs outside the sandbox and changes the packages that workers load. No other work runs meanwhile, and
processes that had loaded some of them are restarted.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from app import programs
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
from workers.contracts.translation import _, mark

AS_JSON = "FETTLE_SETUP_JSON"
"""Variable that makes the installer print its lines as JSON objects (installer/steps/words.py)."""

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


class Installer:
    """The installer of the program in folder `root`, which puts optional sets below `sets`.

    `program` is what a person also starts. In a clone the installer may change the environment.
    """

    def __init__(self, root: Path, sets: Path) -> None:
        """Know the folders; nothing is read yet."""
        self.root, self.sets = root, sets
        self.program = root / "installer" / ("fettle.cmd" if sys.platform == "win32" else "fettle")
        self.is_clone = sets.is_relative_to(root)

    def offers(self, name: OptionalSet) -> bool:
        """Return whether a set can be installed here."""
        return self.is_clone or name in FOLDER_SETS

    def cost(self, name: OptionalSet, stopped: Stopped) -> Cost:
        """Return the cost of a set; raises `JobError`."""
        report = run_installer(self._bootstrap("cost", name), self.root, InstallerStatus(), stopped, _failed(name))
        try:
            return Cost.model_validate_json(report)
        except ValidationError as error:
            raise JobError(_without_reason(_failed(name), [report]), FAILED) from error

    def take(self, name: OptionalSet, status: InstallerStatus, stopped: Stopped) -> None:
        """Install a set; raises `JobError`. What changes the environment also checks that Fettle starts with it."""
        if name not in FOLDER_SETS or (name in CARD_SETS and self.is_clone):
            command = [str(self.program), *install_arguments(name)]
        else:
            command = self._bootstrap("add", name)
        run_installer(command, self.root, status, stopped, _failed(name))

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


def run_installer(
    command: Sequence[str], folder: Path, status: InstallerStatus, stopped: Stopped, failed: ErrorInfo
) -> str:
    """Run a command of the installer in `folder` and return its last line.

    Raises:
        JobError: It failed: `failed` with the installer's own reason, else with its last line.
        InterruptedError: `stopped` returned True; the installer has ended then.
    """
    environ = {name: value for name, value in os.environ.items() if not is_secret(name)}
    try:
        process = programs.start(command, {**environ, AS_JSON: "1", "PYTHONUNBUFFERED": "1"}, folder)
    except OSError as error:
        what = _("The installer could not be started: {0}.").format(error.strerror or error)
        raise JobError(failed.model_copy(update={"detail": what, "hint": NOT_WHOLE}), FAILED) from error
    last: deque[str] = deque(maxlen=MOST_LINES)
    reason: ErrorInfo | None = None
    try:
        for text in programs.lines_of(process, POLL_S):
            if stopped():
                raise InterruptedError("the installer was stopped")
            report = _parsed(text)
            line = str(report.get("what") or report.get("line", ""))
            if text:
                status.line = line or status.line
                status.share = _share(report)
            if line and "total" not in report:
                last.append(line)
            if "what" in report:
                own = {"code": report.get("code") or failed.code, "detail": line, "hint": str(report.get("hint", ""))}
                reason = failed.model_copy(update=own)
        process.wait()
    finally:
        end_with_children(process)
    if process.returncode != 0:
        raise JobError(reason or _without_reason(failed, last), FAILED)
    return last[-1] if last else ""


def _parsed(text: str) -> dict[str, Any]:
    """Return a message of the installer, or the text of a program that it called as one."""
    with contextlib.suppress(ValueError):
        report = json.loads(text)
        if isinstance(report, dict) and not {"line", "what"}.isdisjoint(report):
            return report
    return {"line": text.strip()}


def _in_use(error: OSError) -> ErrorInfo:
    return ErrorInfo(
        code="set_not_removed",
        title=_("The set was not removed"),
        detail=_("Its folder cannot be changed: {0}.").format(error.strerror or error),
        hint=_("Close other windows and services of Fettle, then try again."),
    )


def _share(report: dict[str, Any]) -> float | None:
    match report:
        case {"done": int() | float() as done, "total": int() | float() as total} if total > 0:
            return min(1.0, done / total)
    return None


def _failed(name: OptionalSet) -> ErrorInfo:
    return ErrorInfo(
        code="setup_failed",
        title="The packages were not installed",
        detail="",
        hint=mark("Try again; it resumes where it stopped."),
        facts={"command": install_command(name)},
    )


def _without_reason(failed: ErrorInfo, lines: Sequence[str]) -> ErrorInfo:
    """Return the error of an installer that named no reason, with its last line."""
    last = lines[-1] if lines else mark("It ended without a word.")
    detail = _("The installer stopped: {0}").format(_(last))
    return failed.model_copy(update={"detail": detail, "traceback": "\n".join(lines)})


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


def change_sets(space: Workspace, installer: Installer, work: Callable[[Stopped], None]) -> Flow[DescribeResult | None]:
    """Install or remove a set by `work`, and return the new description of this computer, None if that fails.

    No worker process with old packages waits meanwhile or afterwards.
    """
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
