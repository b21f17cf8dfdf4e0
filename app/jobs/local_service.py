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
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import psutil
from pydantic import Field, ValidationError

from app.files import write_whole
from app.jobs.served import Served, listening, serve
from workers.contracts.base import Frozen
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Limits
from workers.contracts.text import Text

HOST, FIRST_PORT = "127.0.0.1", 8000
START_S, STOP_S, CHECK_S, SWITCH_S = 300.0, 15.0, 1.0, 120.0
SAME_START_S = 2.0
"""Difference in seconds between two readings of one process's start time; Linux corrects the time of its boot."""
MOST_BYTES = 1 << 20
Work = Literal["", "start", "switch", "stop"]
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
    title: Text = ""
    wanted_port: int = Field(default=0, ge=0, le=65535)
    port: int = Field(default=0, ge=0, le=65535)
    has_key: bool = False
    keeps: bool = False
    pid: int = Field(default=0, ge=0)
    started_s: float = 0.0


class LocalService:
    """The web service of one project in its folder; one object per project, owned by the program's `Services`.

    `bundles` holds one unpacked bundle per version, `figures_log` is what the page Monitor reads, and `log` what the
    process prints. `work` is what a flow does with it now; `problem` is why the last work failed.
    """

    def __init__(self, folder: Path) -> None:
        """Read the record in `folder`, which may not exist yet."""
        self.folder, self.log = folder, folder / "service.log"
        self.bundles, self.figures_log = folder / "bundles", folder / "log"
        self.record = ServiceRecord()
        with contextlib.suppress(ValidationError):  # there is none, or another version of the program wrote it
            self.record = ServiceRecord.model_validate_json(_text(folder / "service.json"))
        self._child: Served | None = None
        self.work: Work = ""
        self.problem = ""

    @property
    def address(self) -> str:
        """Return the address of its page."""
        return f"http://{HOST}:{self.record.port}"

    @property
    def key(self) -> str:
        """Return the key that callers must send; "" if they need none or there is none yet."""
        return _text(self.folder / "key.txt") if self.record.has_key else ""

    @property
    def is_running(self) -> bool:
        """Return whether the process of the record runs."""
        return self._process() is not None

    @property
    def has_died(self) -> bool:
        """Return whether it ended without being stopped; without its window only a kept one does."""
        return self.record.pid != 0 and (self._child is not None or self.record.keeps) and not self.is_running

    def change(self, **changes: object) -> None:
        """Change and save the record, and tell the process whether it is kept; raises OSError."""
        self.record = self.record.model_copy(update=changes)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / "service.json", self.record.model_dump_json().encode())
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):  # it has ended
                self._child.stdin.write(KEPT[self.record.keeps])
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
        with listening(HOST, self.record.wanted_port or FIRST_PORT) as listener:
            port = listener.getsockname()[1]
            self._child = child = self._spawn(listener, self.bundles / bundle, threads, limits)
        try:
            self.change(
                version=version, bundle=bundle, title=title, wanted_port=self.record.wanted_port or port, port=port,
                pid=child.pid, started_s=psutil.Process(child.pid).create_time(),
            )  # fmt: skip
        except OSError:  # without a record no later program would find it
            child.kill()
            raise
        until_s = time.monotonic() + START_S
        while child.poll() is None and time.monotonic() < until_s:
            if self.request("GET", "/v2/health/ready")[0] == 200:
                return True
            if stopped():
                self.stop()
                raise InterruptedError("the start was stopped")
            time.sleep(0.05)
        self.stop()
        return False

    def _spawn(self, listener: socket.socket, bundle: Path, threads: int, limits: Limits) -> Served:
        config = ChildConfig(
            parent_pid=os.getpid(), write_root=str(self.folder / "home"), home=str(self.folder / "home"),
            read_roots=(str(self.bundles), str(self.folder / "key.txt")), write_paths=(str(self.figures_log),),
            threads=threads, start_programs=limits.start_programs, gpu=limits.gpu, card=limits.card,
        )  # fmt: skip
        options = ["--log", str(self.figures_log), "--threads", str(threads)]
        if self.record.has_key:
            options += ["--api-key-file", str(self.folder / "key.txt")]
        return serve(bundle / "serve.py", options, config, limits, listener, self.log)

    def stop(self, wait_s: float = STOP_S) -> None:
        """Stop the service after it has answered open requests, and record that; with `wait_s` 0 nothing is awaited.

        Only the process that was started for this folder is ended.
        """
        process = self._process()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
            for late in psutil.wait_procs([process], timeout=wait_s)[1] if wait_s else ():
                late.kill()
        self._let_go()
        if self.record.pid:
            with contextlib.suppress(OSError):
                self.change(pid=0)

    def leave(self) -> None:
        """Let go of the service because the program closes: one that is not kept stops, without a wait."""
        if self.record.keeps:
            self._let_go()
        else:
            self.stop(wait_s=0.0)

    def _let_go(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
            if child.poll() is None:
                child.returncode = 0  # it outlives this object on purpose

    def switch(self, version: str, bundle: str, title: str) -> str:
        """Let the running service load another unpacked bundle without losing a request.

        Returns:
            Why it stays with the present one, "" after the switch.

        Raises:
            OSError: A file cannot be read or written.
            ValueError: A file or the response is not as expected.
            KeyError: A file or the response is not as expected.
        """
        manifest = json.loads((self.bundles / bundle / "manifest.json").read_text(encoding="utf-8"))
        body = json.dumps({"parameters": {"path": str(self.bundles / bundle)}}).encode()
        path = f"/v2/repository/models/{manifest['serving']['name']}/load"
        status, content = self.request("POST", path, body, SWITCH_S)
        if status != 200:
            return str(json.loads(content)["error"]) if status else content.decode()
        self.change(version=version, bundle=bundle, title=title)
        return ""

    def request(self, method: str, path: str, body: bytes = b"", timeout_s: float = CHECK_S) -> tuple[int, bytes]:
        """Return status and body of a response, or 0 and why there is none. `http.client` asks no proxy.

        A service without a key wrote a secret for its own account, with which it may be changed (decision 0093).
        """
        state = self.folder / "home" / ".local" / "state" / "fettle-service"
        secret = self.key or _text(state / f"{self.record.port}.secret")
        connection = http.client.HTTPConnection(HOST, self.record.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {secret}"} if secret else {})
            response = connection.getresponse()
            return response.status, response.read(MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error).encode()
        finally:
            connection.close()

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


def _text(path: Path) -> str:
    """Return the begin of a text file, "" without one."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""
