"""The program as a person starts it: `python -m app …` in its own processes, with its own data folder."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from forking import is_server
from short_runs import SHORT_RUNS
from stopwatch import busyness
from stranger import copy_with

from app.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 170


@dataclass(frozen=True)
class Finished:
    """What one command left: exit code, standard output and error, seconds."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> dict[str, str]:
        """The error of a command that was refused, exactly the four fields of the contract."""
        assert list(self.document) == ["error"]
        assert list(self.document["error"]) == ["code", "title", "detail", "hint"]
        return self.document["error"]

    @property
    def last_line(self) -> str:
        """The sentence that matters."""
        return self.err.rstrip("\n").splitlines()[-1]


@dataclass(frozen=True)
class Fettle:
    """Starts commands with `home` as data folder."""

    home: Path
    root: Path = ROOT
    more: dict[str, str] = field(default_factory=dict)
    under: tuple[str, ...] = ()  # the program that starts each command, with its arguments

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FETTLE"))}
        own = {"FETTLE_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**kept, **SHORT_RUNS, **own, **self.more}

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Begin a command and do not wait for it."""
        return subprocess.Popen(
            [*self.under, sys.executable, "-m", "app", *map(str, arguments)],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def __call__(self, *arguments: str | Path, timeout_s: float = TIMEOUT_S) -> Finished:
        """Run a command to its end."""
        began = time.monotonic()
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return Finished(process.returncode, out, err, time.monotonic() - began)

    def here(self, *arguments: str | Path) -> Finished:
        """Run a command in this process, which saves the second that a new process takes to start."""
        out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
        with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in {**SHORT_RUNS, **self.more}.items():
                patched.setenv(name, value)
            code = main(["--data-dir", str(self.home), *map(str, arguments)])
        return Finished(code, out.getvalue(), err.getvalue(), time.monotonic() - began)

    @property
    def jobs(self) -> Path:
        return self.home / "jobs"

    @property
    def leftovers(self) -> list[Path]:
        """Folders of jobs that are still there."""
        return sorted(self.jobs.iterdir()) if self.jobs.is_dir() else []

    def workers(self) -> list[psutil.Process]:
        """Processes of jobs of this data folder, and what they started; not the command itself."""
        return [process for process in self.processes() if _is_worker(process)]

    def processes(self) -> list[psutil.Process]:
        """Everything alive that was started with this data folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FETTLE_HOME") == str(self.home) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found


def with_technique(folder: Path, name: str, source: str) -> Fettle:
    """Return a copy of the program with an additional technique."""
    return Fettle(folder / "home", root=copy_with(folder / "fettle", {f"workers/quantize/{name}.py": source}))


def _is_worker(process: psutil.Process) -> bool:
    try:
        line = " ".join(process.cmdline())
        return not is_server(process) and not any(word in line for word in ("-m app", "resource_tracker"))
    except psutil.Error:
        return False  # it is just going


def wait_for(condition: Callable[[], Any], timeout_s: float = 60.0, every_s: float = 0.01) -> Any:
    """What `condition` gives as soon as it is true; it may take `timeout_s` of a quiet computer."""
    began = time.monotonic()
    while time.monotonic() < began + timeout_s * busyness():
        found = condition()
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError("it did not happen in time")


@dataclass(frozen=True)
class Demo:
    """The sample's complete workflow, done once; its data folder and its bundle are only read by tests."""

    fettle: Fettle
    bundle: Path
    done: Finished
    calls: Path
    """The log of the calls to the network, if this account may trace programs."""

    @property
    def document(self) -> dict[str, Any]:
        return self.done.document

    @property
    def run_id(self) -> str:
        return str(self.document["run_id"])
