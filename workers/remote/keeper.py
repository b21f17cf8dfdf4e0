"""Keep one job's worker on this computer: pass its messages on, and end it when its Fettle is gone.

A keeper is a process in a session of its own. It starts the worker and numbers its messages, and keeps those that were
not confirmed while a connection is replaced. If nothing arrives for the time of its lease, it ends the worker and
itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from workers.contracts.process.channel import (
    ENDED,
    MESSAGE,
    NUMBERED,
    BadFrameError,
    Channel,
    ChannelClosedError,
    Numbered,
    control,
    read_control,
)
from workers.remote.folders import ALIVE, LOG

KEPT_BYTES = 32 << 20
"""Size of unconfirmed messages above which the worker waits with more."""
LOOK_S = 5.0
EXIT_GRACE_S = 3.0
ALLOWED = frozenset(
    ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "NVIDIA_VISIBLE_DEVICES")
)
PREFIXES = (
    "LC_", "CUDA_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "DNNL_", "ONEDNN_", "ATEN_", "OV_", "ORT_", "GLIBC_",
)  # fmt: skip
"""Variables and prefixes of variables that a worker inherits; others may be secrets."""

START = (
    "import sys\n"
    "from multiprocessing.connection import Connection\n"
    "from workers.start import run_worker\n"
    "run_worker(Connection(int(sys.argv[1])), sys.stdin.read())\n"
)


class Keeper:
    """The owner of one worker; `run()` returns when the worker's end was confirmed, or its lease has ended.

    After a lease nobody fetches what the job left, so its folder is removed.
    """

    def __init__(
        self, folder: Path, version: Path, config: dict[str, Any], listener: socket.socket, lease_s: float
    ) -> None:
        """Start the worker of a job in `folder` with the code of `version`."""
        self._folder, self._listener, self._lease_s = folder, listener, lease_s
        self._heard_s = time.monotonic()
        self._numbered = Numbered()
        self._bridge: Channel | None = None
        self._closed_s: float | None = None
        self._has_ended = self._is_over = self._is_lost = False
        self._let_go(folder)
        (folder / ALIVE).write_text(str(os.getpid()))
        ours, theirs = socket.socketpair()
        config_path = folder / "config.json"
        config_path.write_text(json.dumps({**config, "parent_pid": os.getpid()}))
        environ = {k: v for k, v in os.environ.items() if k in ALLOWED or k.startswith(PREFIXES)}
        python, code = version / "venv" / "bin" / "python", version / "code"
        with config_path.open("rb") as source, (folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), "-c", START, str(theirs.fileno())],
                stdin=source,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env={**environ, "PYTHONPATH": str(code)},
                cwd=str(code),
            )
        theirs.close()
        self._worker: Channel | None = Channel(Connection(ours.detach()))

    def _let_go(self, folder: Path) -> None:
        """Leave the connection of the process that this one was forked from."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(str(folder / LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, descriptor)
        os.close(nothing)
        os.close(log)

    def run(self) -> None:
        """Work until the end."""
        try:
            while not self._is_over:
                self._wait()
                self._listen_to_bridge()
                self._listen_to_worker()
                self._look_after()
        finally:
            self._kill()
        if self._is_lost:
            self._process.wait()
            shutil.rmtree(str(self._folder), ignore_errors=True)

    def _wait(self) -> None:
        wants_worker = self._worker is not None and self._numbered.kept_bytes < KEPT_BYTES
        reading: list[Any] = [self._listener]
        reading += [self._worker.connection] if self._worker is not None and wants_worker else []
        reading += [self._bridge.connection] if self._bridge is not None else []
        channels = [one for one in (self._worker, self._bridge) if one is not None and one.queued_bytes]
        look_s = 0.02 if self._closed_s is not None and not self._has_ended else min(LOOK_S, self._lease_s / 4)
        ready, _, _ = select.select(reading, [one.connection for one in channels], [], look_s)
        for channel in channels:
            with contextlib.suppress(ChannelClosedError):  # reading finds that out, too
                channel.flush()
        if self._listener in ready:
            connection, _ = self._listener.accept()
            self._let_bridge_go()
            self._bridge = Channel(Connection(connection.detach()))

    def _let_bridge_go(self) -> None:
        if self._bridge is not None:
            self._bridge.close()
            self._bridge = None

    def _listen_to_bridge(self) -> None:
        try:
            while self._bridge is not None:
                frame = self._bridge.receive()
                if frame is None:
                    return
                self._heard_s = time.monotonic()
                if frame[:1] == NUMBERED:
                    content = self._numbered.take(frame)
                    if content is not None and self._worker is not None:
                        with contextlib.suppress(ChannelClosedError):  # the worker ended; reading finds that out
                            self._worker.send(content[1:])
                else:
                    self._obey(read_control(frame))
        except (ChannelClosedError, BadFrameError):
            self._let_bridge_go()

    def _obey(self, request: dict[str, Any]) -> None:
        self._numbered.confirm(request.get("received", 0))
        if request.get("end"):
            self._kill()
            self._is_over = True
        if request.get("attach"):
            self._say(attached=True, ping=request.get("ping"))
            for frame in self._numbered.unconfirmed:
                self._send(frame)
        elif "ping" in request:
            self._say(ping=request["ping"])
        if self._has_ended and not self._numbered.kept_bytes:
            self._is_over = True

    def _say(self, **facts: Any) -> None:
        self._send(control(now_s=time.monotonic(), received=self._numbered.received, **facts))

    def _send(self, frame: bytes) -> None:
        if self._bridge is not None:
            try:
                self._bridge.send(frame)
            except ChannelClosedError:
                self._let_bridge_go()

    def _listen_to_worker(self) -> None:
        try:
            while self._worker is not None and self._numbered.kept_bytes < KEPT_BYTES:
                message = self._worker.receive()
                if message is None:
                    return
                self._send(self._numbered.add(MESSAGE + message))
        except (ChannelClosedError, BadFrameError):
            self._worker = None
            self._closed_s = time.monotonic()

    def _look_after(self) -> None:
        """End the worker after its lease, and report its end once it is gone and all its messages were read."""
        now_s = time.monotonic()
        if now_s - self._heard_s > self._lease_s:
            self._is_over = self._is_lost = True
            return
        if self._has_ended:
            return
        if self._closed_s is not None and now_s - self._closed_s > EXIT_GRACE_S:
            self._kill()
        has_exited = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        if has_exited and self._closed_s is None:
            self._listen_to_worker()  # what it sent last; a program that it left running may hold its pipe open
        if has_exited and self._numbered.kept_bytes < KEPT_BYTES:
            self._worker = None
            self._kill()  # its group, before its number can belong to another process
            code = self._process.wait()
            self._has_ended = True
            facts = {"exit_code": code, "free": shutil.disk_usage(str(self._folder)).free}
            self._send(self._numbered.add(ENDED + json.dumps(facts).encode()))

    def _kill(self) -> None:
        """End the worker and all that it started; before its own session it is in the group of this process."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                if os.getpgid(self._process.pid) == self._process.pid:
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
