"""Make the files of a problem report, and save them as a zip once a person has seen them."""

import contextlib
import getpass
import importlib.metadata
import io
import json
import os
import platform
import shutil
import time
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from app.credentials import stored_secrets
from app.files import write_whole
from app.jobs.environment import is_secret
from app.jobs.outcome import read_tail
from app.logging_setup import LOG_FILE
from app.paths import DataPaths
from app.services.flow.artifacts import library_versions
from app.services.flow.background import Stopped, never
from app.services.flow.steps import DiskStep, Flow, JobError
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe, remembered
from app.services.machine.report.facts import Problem, find_problem
from app.services.machine.report.redact import Redactor
from app.settings import Settings, load_settings
from app.version import VERSION
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused
from workers.contracts.process.allowance import usable_cores
from workers.contracts.process.disk import DiskFull, lacks_room
from workers.contracts.translation import _

LOG_BYTES, JOB_LOG_BYTES, MOST_LINES = 256_000, 32_000, 3_000
AROUND = timedelta(seconds=60)
"""Time before and after a run from which log lines are kept."""
README = """This is a problem report of Fettle. It was made on the computer where the problem is, and nothing
was sent.

{what}

error.json     the error: code, sentences, values, traceback; the job and version at work
run.json       the run: goal, kind of model and examples, steps, versions, jobs
computer.json  processor, memory, disk, graphics cards, screen
versions.json  Fettle, Python, the system, engines and libraries
settings.json  the settings of Fettle that are numbers or choices
log.txt        Fettle's log of this time, and the end of what its processes printed

Left out: models, examples, labels, predictions, passwords, tokens, and the names of files,
folders, projects, people and computers. Words that do not occur in Fettle's own source are
replaced, such as <word 3>, and so are quoted texts <text 1>, files <file 2>.onnx, names <name 1>,
addresses and long numbers. The same placeholder always stands for the same text.
"""


def report(
    space: Workspace, run_id: str = "", error: ErrorInfo | None = None, names: Iterable[str] = (), screen: str = ""
) -> Flow[dict[str, str]]:
    """Return the files of a report by name: of a run, of an error, or of the last job that failed.

    With the `screen` of the window, only jobs since its start count. `names` are further private names, such as that
    of a file that was refused.
    """
    problem = find_problem(space, run_id, error, since=_start() if screen else None)
    problem.names.update(names)
    problem.screen = screen
    problem.machine = remembered(space.repositories)
    if problem.machine is None:
        with contextlib.suppress(JobError):  # which may be the very problem
            problem.machine = yield from describe()
    files: dict[str, str] = yield DiskStep(partial(report_files, space.paths, problem))
    return files


def report_files(paths: DataPaths, problem: Problem, stopped: Stopped = never) -> dict[str, str]:
    """Return the files of a report about a problem; also without a database."""
    places = {str(Path.home()): "home folder", str(paths.root): "data folder"}
    redactor = Redactor(problem.names | _secrets(paths), problem.labels, places)
    error = problem.error
    what = "It tells the state of Fettle; no error was recorded."
    facts: dict[str, Any] = {}
    if error is not None:
        private = error.model_dump(mode="json", include={"title", "detail", "hint", "facts", "traceback"})
        facts = {"code": error.code, **redactor.tree(private), "job": redactor.tree(problem.job)}
        facts["traceback"] = facts["traceback"].splitlines()  # readable as JSON, too
        what = f"What happened: {facts['title']}. {facts['detail']} (code {error.code})"
    texts = {
        "README.txt": README.format(what=what),
        "error.json": _json(facts),
        "run.json": _json(redactor.tree(problem.run)),
        "computer.json": _json(_computer(paths, problem)),
        "settings.json": _json(_settings(paths)),
        "log.txt": redactor.lines("\n".join(_log(paths, problem, stopped))) or "Nothing was logged.",
    }
    scanned = {name: redactor.scanned(text) for name, text in texts.items()}
    return {**scanned, "versions.json": redactor.scanned(_json(_versions()), has_versions=True)}


def save_report(path: Path, files: Mapping[str, str]) -> None:
    """Write the files as one zip.

    Raises:
        DiskFull: the disk has no room.
        InputRefused: it cannot be written there.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, time.gmtime()[:6])
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    try:
        write_whole(path, content.getvalue())
    except OSError as error:
        if lacks_room(error):
            raise DiskFull(path.parent) from error
        detail = _("{0} cannot be written: {1}.").format(path, error.strerror or error)
        raise InputRefused("report_not_saved", "The report was not saved", detail, "Choose another place.") from error


def _secrets(paths: DataPaths) -> set[str]:
    """Return the names of this account and computer, and the passwords and tokens that are known here."""
    home, node = Path.home(), platform.node()
    found = {home.as_posix(), home.name, node, node.partition(".")[0], paths.root.name}
    with contextlib.suppress(OSError, KeyError):  # an account without a name
        found.add(getpass.getuser())
    found.update(value for name, value in os.environ.items() if is_secret(name))
    return found | stored_secrets(paths.hub)


def _start() -> datetime:
    return datetime.fromtimestamp(psutil.Process().create_time(), UTC)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _versions() -> dict[str, Any]:
    system = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    system["release"] = platform.release().partition("-")[0]  # the rest may be a name
    window = {"PySide6": importlib.metadata.version("PySide6_Essentials")}
    return {"fettle": VERSION, "is_installed": "FETTLE_ROOT" in os.environ, **system, **window, **library_versions()}


def _computer(paths: DataPaths, problem: Problem) -> dict[str, Any]:
    """Return the processor and the graphics cards by the names that their makers gave them, memory, disk and screen."""
    facts: dict[str, Any] = {"processor": platform.processor() or platform.machine(), "screen": problem.screen or None}
    if (machine := problem.machine) is not None:
        facts |= machine.device.model_dump(mode="json", include={"processor", "cores", "features"})
        facts["cards"] = [card.model_dump(mode="json", exclude={"uuid"}) for card in machine.cards]
    memory, place = psutil.virtual_memory(), paths.root if paths.root.is_dir() else Path.home()
    facts |= {"usable_cores": usable_cores(), "memory_bytes": memory.total, "free_memory_bytes": memory.available}
    return {**facts, "free_disk_bytes": shutil.disk_usage(place).free}


def _settings(paths: DataPaths) -> dict[str, Any]:
    """Return the settings that are numbers or one of several choices; other texts might be private."""
    values = load_settings(paths.settings)[0].model_dump(mode="json")
    shown = {name: one for name, one in Settings.model_json_schema()["properties"].items() if not one.get("hidden")}
    return {name: values[name] for name, one in shown.items() if "enum" in one or not isinstance(values[name], str)}


def _log(paths: DataPaths, problem: Problem, stopped: Stopped) -> list[str]:
    """Return the program's log around the problem, by default since its start, and the end of what the jobs printed."""
    first, last = (problem.began or _start()) - AROUND, (problem.ended or datetime.now(UTC)) + AROUND
    lines, is_near = list[str](), False
    for line in read_tail(paths.logs / LOG_FILE, LOG_BYTES).splitlines():
        if line[:1].isdigit():  # else it continues the line before
            is_near = f"{first:%FT%T}" <= line[:19] <= f"{last:%FT%T}"
        lines += [line] if is_near else []
    for kind, log in problem.logs:
        output = [] if stopped() else read_tail(log, JOB_LOG_BYTES).splitlines()
        lines += ["", f"--- {kind} ---", *output] if output else []
    return lines[-MOST_LINES:]
