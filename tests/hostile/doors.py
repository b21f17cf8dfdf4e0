"""The doors through which a stranger's file comes in, each with what came of it and how long that took."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from forking import is_server
from hostile_corpus.base import EITHER, OPEN, REFUSE, Entry
from stopwatch import busyness

from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow, JobError
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import inspect_model, open_model
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import OpenParams
from workers.model_io.budget import RUN_S
from workers.runtime.walls.stage_limit import busy_factor

REFUSED = 3
NOT_MODELS = ("text", "input")
"""Groups that are no models: through a model's door they are refused; their own doors are tested besides."""


@dataclass(frozen=True)
class Verdict:
    """`error` is None where it was opened; `seconds` until the person knew."""

    file: str
    error: ErrorInfo | None
    exit_code: int
    seconds: float

    @property
    def opened(self) -> bool:
        return self.error is None

    @property
    def code(self) -> str:
        return "" if self.error is None else self.error.code


def drive(space: Workspace, name: str, flow: Flow[Any]) -> Verdict:
    """Run a use case to its end. Nothing but a `JobError` in whole words may come out."""
    began = time.monotonic()
    try:
        run_to_end(Driver(space, flow, ignore))
    except JobError as error:
        return Verdict(name, error.error, error.exit_code, time.monotonic() - began)
    return Verdict(name, None, 0, time.monotonic() - began)


def inspect(space: Workspace, path: Path) -> Verdict:
    """What `fettle inspect` does, in the same code."""
    return drive(space, path.name, inspect_model(OpenParams(path=str(path))))


def open_(space: Workspace, path: Path, *, allow_code: bool = False) -> Verdict:
    """What a drop and every command that works with a model do."""
    return drive(space, path.name, open_model(OpenParams(path=str(path), allow_code=allow_code)))


def path_of(corpus: Path, entry: Entry) -> Path:
    """The file itself: names that are no text stand in the index as they can be shown."""
    if entry.group != "name":
        return corpus / entry.file
    (path,) = (corpus / entry.file).parent.iterdir()
    return path


def expected(entry: Entry) -> str:
    """Return the outcome that the index expects of a door for models."""
    return REFUSE if entry.group in NOT_MODELS and not entry.file.endswith(".zip") else entry.expected


def complaint(entry: Entry, verdict: Verdict) -> str:
    """Return the error of a verdict; empty where it is right."""
    wanted, error = expected(entry), verdict.error
    if error is None:
        return "" if wanted in (OPEN, EITHER) else f"{entry.file} was opened"
    if verdict.exit_code != REFUSED:
        return f"{entry.file} ended with {verdict.exit_code}: {error}"
    if not all((error.title, is_sentence(error.detail), is_sentence(error.hint))):
        return f"{entry.file} was refused in half sentences: {error}"
    return "" if wanted in (REFUSE, EITHER) else f"{entry.file} was refused: {error}"


def is_sentence(text: str) -> bool:
    return text.isprintable() and text.endswith((".", "!", "?", "…", ")"))


@dataclass
class Times:
    """Verdicts have 2 s, of a hundred five have 10 s, and what never ends has the product's own limit besides: on a quiet
    machine; more where others run as well."""

    seconds: list[float]
    busy: float = 1.0

    def note(self, verdict: Verdict) -> None:
        own_limit_s = RUN_S * busy_factor(1) if verdict.code == "took_too_long" else 0.0
        self.seconds.append(verdict.seconds - own_limit_s)
        self.busy = max(self.busy, busyness())

    def check(self) -> None:
        ordered = sorted(self.seconds)
        most = ordered[int(0.95 * (len(ordered) - 1))]
        middle = ordered[len(ordered) // 2]
        report = f"half within {middle:.1f} s, 95 % within {most:.1f} s, all within {ordered[-1]:.1f} s"
        report = f"{len(ordered)} verdicts: {report}; busy {self.busy:.1f} times"
        print(report)  # noqa: T201 - seen with -s or when it fails
        assert most <= 2 * self.busy, report
        assert ordered[-1] <= 10 * self.busy, report


def leftovers(space: Workspace) -> list[str]:
    """Folders of jobs and processes that should be gone."""
    folders = [str(path) for path in space.jobs.iterdir()]
    mine = psutil.Process().children(recursive=True)
    workers = [str(process) for process in mine if "spawn_main" in " ".join(_words(process)) and not is_server(process)]
    return folders + workers


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
