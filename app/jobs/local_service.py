"""Start the web service of a bundle as a process of its own, find it again after a restart of the program, and stop it.

The program opens the listening socket on the loopback address and hands it to the process, whose sandbox allows no
other (`workers/runtime/serving.py`).
"""

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from pydantic import Field, ValidationError

from app.files import write_whole
from app.jobs.environment import allowed
from workers.contracts.base import Frozen
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Limits

HOST, FIRST_PORT, PORTS = "127.0.0.1", 8000, 100
BACKLOG = 256
START_S, STOP_S, CHECK_S, SWITCH_S = 300.0, 15.0, 1.0, 120.0
SAME_START_S = 2.0
"""Difference in seconds between two readings of one process's start time; Linux corrects the time of its boot."""
MOST_BYTES = 1 << 20
SHOWN_BYTES = 4000
ROOT = Path(__file__).resolve().parents[2]
KEPT = {True: b"keep\n", False: b"end\n"}


class ServiceRecord(Frozen):
    """A project's web service, as the file in its folder describes it.

    Attributes:
        version: Version that was wanted; the service may be unable to run it.
        bundle: Folder of the version that answers, below `bundles`.
        title: Title of that version.
        wanted_port: The project's port; 0 before the first start.
        port: The port in use.
        has_key: Whether callers must send the key.
        keeps: Whether it runs on when the program closes.
        pid: Its process id; 0 after it was stopped on purpose.
        started_s: Start of the process, in seconds since 1970.
    """

    version: str = ""
    bundle: str = ""
    title: str = ""
    wanted_port: int = Field(default=0, ge=0, le=65535)
    port: int = Field(default=0, ge=0, le=65535)
    has_key: bool = False
    keeps: bool = False
    pid: int = Field(default=0, ge=0)
    started_s: float = 0.0


class LocalService:
    """The web service of one project in its folder; one object per project, owned by the program's `Services`.

    `is_starting` and `is_switching` are true while such work is done; `problem` is why the last work failed.
    """

    def __init__(self, folder: Path) -> None:
        """Read the record in `folder`, which may not exist yet."""
        self.folder = folder
        self.record = _read_record(folder / "service.json")
        self._child: subprocess.Popen[bytes] | None = None
        self.is_starting = self.is_switching = False
        self.problem = ""

    @property
    def bundles(self) -> Path:
        """Return the folder with one unpacked bundle per version."""
        return self.folder / "bundles"

    @property
    def figures_log(self) -> Path:
        """Return the folder of the log that the page Monitor reads."""
        return self.folder / "log"

    @property
    def address(self) -> str:
        """Return the address of its page."""
        return f"http://{HOST}:{self.record.port}"

    @property
    def key(self) -> str:
        """Return the key that callers must send; "" if they need none or there is none yet."""
        with contextlib.suppress(OSError):
            return (self.folder / "key.txt").read_text(encoding="ascii") if self.record.has_key else ""
        return ""

    @property
    def is_running(self) -> bool:
        """Return whether the process of the record runs."""
        return self._process() is not None

    @property
    def has_died(self) -> bool:
        """Return whether it ended without being stopped; without its window only a kept one does."""
        return self.record.pid != 0 and (self._child is not None or self.record.keeps) and not self.is_running

    def change(self, **changes: object) -> None:
        """Change and save the record; raises OSError."""
        self.record = self.record.model_copy(update=changes)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / "service.json", self.record.model_dump_json().encode())

    def keep(self, keeps: bool) -> None:
        """Set whether the service runs on when the program closes; raises OSError."""
        self.change(keeps=keeps)
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.write(KEPT[keeps])
                self._child.stdin.flush()

    def start(
        self, version: str, bundle: str, title: str, threads: int, limits: Limits, stopped: Callable[[], bool]
    ) -> bool:
        """Start the service of an unpacked bundle and wait until its model is loaded and answers.

        Returns:
            Whether it answers; if not, it has ended and its log says why.

        Raises:
            OSError: No process or no port can be had, or a file cannot be written.
            InterruptedError: `stopped` returned True; nothing runs then.
        """
        for place in (self.folder, self.bundles, self.folder / "home", self.figures_log):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.record.has_key and not self.key:
            write_whole(self.folder / "key.txt", secrets.token_urlsafe(24).encode())
        with _listening(self.record.wanted_port or FIRST_PORT) as listener:
            port = listener.getsockname()[1]
            self._child = child = self._spawn(listener, self.bundles / bundle, threads, limits)
        self.change(
            version=version, bundle=bundle, title=title, wanted_port=self.record.wanted_port or port, port=port,
            pid=child.pid, started_s=psutil.Process(child.pid).create_time(),
        )  # fmt: skip
        self.keep(self.record.keeps)
        until_s = time.monotonic() + START_S
        while child.poll() is None and time.monotonic() < until_s:
            if self._is_ready():
                return True
            if stopped():
                self.stop()
                raise InterruptedError("the start was stopped")
            time.sleep(0.05)
        self.stop()
        return False

    def _spawn(self, listener: socket.socket, bundle: Path, threads: int, limits: Limits) -> "subprocess.Popen[bytes]":
        config = ChildConfig(
            parent_pid=os.getpid(), write_root=str(self.folder / "home"), home=str(self.folder / "home"),
            read_roots=(str(self.bundles), str(self.folder / "key.txt")), write_paths=(str(self.figures_log),),
            threads=threads, start_programs=limits.start_programs, gpu=limits.gpu, card=limits.card,
        )  # fmt: skip
        options = ["--log", str(self.figures_log), "--threads", str(threads)]
        if self.record.has_key:
            options += ["--api-key-file", str(self.folder / "key.txt")]
        handed: tuple[int, ...] = (listener.fileno(),)
        if os.name == "nt":  # where processes inherit no socket, it listens itself
            options += ["--port", str(listener.getsockname()[1])]
            handed = ()
            listener.close()
        else:
            options += ["--fd", str(listener.fileno())]
        command = [sys.executable, "-B", "-m", "workers.runtime.serving", config.model_dump_json(), str(bundle)]
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self.folder / "service.log", flags, 0o600), "r+b", buffering=0) as log:
            return subprocess.Popen(
                [*command, *options], cwd=ROOT, env=allowed(os.environ, network=False), stdin=subprocess.PIPE,
                stdout=log, stderr=log, pass_fds=handed, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        """Stop the service after it has answered open requests, and record that; waits for its end.

        Only the process that was started for this folder is ended.
        """
        process = self._process()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
            self._wait(process)
        self._forget()

    def _wait(self, process: psutil.Process) -> None:
        try:
            process.wait(STOP_S)
        except psutil.TimeoutExpired:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(STOP_S)

    def _forget(self) -> None:
        if self._child is not None:
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child.wait(STOP_S)
            self._child = None
        with contextlib.suppress(OSError):
            self.change(pid=0)

    def leave(self) -> None:
        """Let go of the service because the program closes: one that is not kept stops, without a wait."""
        process = None if self.record.keeps else self._process()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                process.terminate()
                self.change(pid=0)
        child, self._child = self._child, None
        if child is not None and child.stdin is not None:
            child.stdin.close()
            child.returncode = child.returncode or 0  # it outlives this object on purpose

    def switch(self, version: str, bundle: str, title: str) -> str:
        """Let the running service load another unpacked bundle without losing a request.

        Returns:
            Why it stays with the present one, "" after the switch.

        Raises:
            OSError: It does not respond.
        """
        manifest = json.loads((self.bundles / bundle / "manifest.json").read_text(encoding="utf-8"))
        body = json.dumps({"parameters": {"path": str(self.bundles / bundle)}}).encode()
        path = f"/v2/repository/models/{manifest['serving']['name']}/load"
        status, content = self._request("POST", path, body, SWITCH_S)
        if status != 200:
            return str(json.loads(content).get("error", status))
        self.change(version=version, bundle=bundle, title=title)
        return ""

    def metrics(self) -> str:
        """Return its counters in Prometheus' text format; raises OSError."""
        status, content = self._request("GET", "/metrics", timeout_s=CHECK_S)
        return content.decode("utf-8", "replace") if status == 200 else ""

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        with contextlib.suppress(OSError), (self.folder / "service.log").open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - SHOWN_BYTES)
            file.seek(start)
            text = file.read(SHOWN_BYTES).decode("utf-8", "replace")
            return text.partition("\n")[2] if start else text
        return ""

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self._request("GET", "/v2/health/ready", timeout_s=CHECK_S)[0] == 200
        return False

    def _request(self, method: str, path: str, body: bytes = b"", timeout_s: float = CHECK_S) -> tuple[int, bytes]:
        """Return status and body of a response; raises OSError. `http.client` asks no proxy."""
        secret = self.key or self._secret()
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        connection = http.client.HTTPConnection(HOST, self.record.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(MOST_BYTES)
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def _secret(self) -> str:
        """Return the secret that a service without a key wrote for its own account (decision 0093)."""
        with contextlib.suppress(OSError):
            folder = self.folder / "home" / ".local" / "state" / "fettle-service"
            return (folder / f"{self.record.port}.secret").read_text(encoding="ascii").strip()
        return ""

    def _process(self) -> psutil.Process | None:
        """Return the recorded process if it runs and is the one that was started for this folder."""
        if not self.record.pid or (self._child is not None and self._child.poll() is not None):
            return None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.record.pid)
            is_same = abs(process.create_time() - self.record.started_s) < SAME_START_S
            is_ours = any(str(self.bundles) in word for word in process.cmdline())
            if is_same and is_ours and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


def _read_record(path: Path) -> ServiceRecord:
    try:
        with path.open("rb") as file:
            return ServiceRecord.model_validate_json(file.read(MOST_BYTES))
    except (OSError, ValidationError):  # there is none, or another version of the program wrote it
        return ServiceRecord()


def _listening(wanted: int) -> socket.socket:
    """Return a socket that listens on the wanted port, else on the next free one; raises OSError."""
    for port in (*range(wanted, min(wanted + PORTS, 65536)), 0):
        with contextlib.suppress(OSError):
            made = socket.create_server((HOST, port), backlog=BACKLOG)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # see `listening` in the server of bundles
            return made
    raise OSError("no port of this computer is free")
