"""Main function of a spawned worker process.

This module imports no heavy library: libraries are imported after the sandbox and the environment are set.
"""

import contextlib
import ctypes
import faulthandler
import importlib
import os
import signal
import sys
import tempfile
import traceback
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import RunJob
from workers.runtime.inbox import Inbox, ParentGone
from workers.runtime.kinds import load_job
from workers.runtime.log_stream import write_to_log
from workers.runtime.reporter import Reporter
from workers.runtime.run import enclose, run_job
from workers.runtime.walls.limits import EXIT_ORPHAN
from workers.runtime.walls.sandbox import Protections

PR_SET_PDEATHSIG = 1


def main(connection: "Connection[bytes, bytes]", config_json: str) -> None:
    """Run one job and end the process without tear-down.

    Libraries that crash at exit then cannot spoil a result.
    """
    config = ChildConfig.model_validate_json(config_json)
    exit_code = EXIT_ORPHAN
    try:
        exit_code = _serve(connection, config)
    except (ParentGone, BrokenPipeError):
        pass
    except BaseException:
        traceback.print_exc()  # into the log; without a terminal message the parent reports the end
        exit_code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.close()
        os._exit(exit_code)


def _serve(connection: "Connection[bytes, bytes]", config: ChildConfig) -> int:
    let_go_of_tracker()
    _open_log(config.log_path)
    _own_group()
    # a worker without a job loads libraries before layer 2 of its sandbox, which does not reach their threads
    protections = enclose(config, config.threads if config.kind is not None else 1)
    _die_with_parent(config.parent_pid, protections)
    # PyTorch for CUDA writes a temporary file while it is imported; the job gets its own folder for these later
    tempfile.tempdir = config.write_root if config.preload else None
    for name in config.preload:
        importlib.import_module(name)
    tempfile.tempdir = None
    if config.kind is not None:
        with contextlib.suppress(Exception):  # the job itself reports libraries that cannot be loaded
            load_job(config.kind, config.job_kinds)
    reporter, inbox = Reporter(connection), Inbox(connection)
    ready = protections.ready()
    reporter.send(ready)
    job = inbox.receive()
    if not isinstance(job, RunJob):
        return 0  # cancelled before it received a job
    return run_job(job, config, reporter, inbox, ready)


def let_go_of_tracker() -> None:
    """Close the pipe to the parent's resource tracker.

    The tracker is a process outside the sandbox that deletes any file named in its pipe.
    """
    if sys.platform != "win32":
        tracker: Any = resource_tracker._resource_tracker
        if tracker._fd is not None:
            os.close(tracker._fd)
            tracker._fd = None


def _open_log(log_path: str | None) -> None:
    """Send all output to the job's log, including output of native code and of crashes."""
    if log_path is not None:
        descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)
        write_to_log()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    faulthandler.enable(file=2)


def _own_group() -> None:
    """Create a process group, so that the parent can end the worker with all processes it started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, by a message
    if sys.platform != "win32":
        os.setsid()


def _die_with_parent(parent_pid: int, protections: Protections) -> None:
    """Make Linux end this process with its parent; on other systems only the watchdog does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if sys.platform != "win32" and os.getppid() != parent_pid:
        os._exit(EXIT_ORPHAN)
