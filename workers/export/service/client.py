"""Send requests to the server of an unpacked bundle as its clients do, without a network.

Export jobs may open no socket. They use a pair of connected sockets, which reaches nothing outside; the server receives
one end (`--fd`). On Windows processes cannot inherit a socket, so the server listens on a free port of this computer.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.bundles import ExportCheck
from workers.contracts.errors import WorkerError
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined
from workers.export.fresh_environment import interpreter
from workers.export.selftest import ENVIRONMENT, FOLDER, failed
from workers.export.service.bundle_files.fettle_service.protocol import DATATYPES, HEADER_LENGTH, Tensor
from workers.pipeline.golden import compare_golden
from workers.pipeline.pipeline import load_pipeline

START_S, ANSWER_S, STOP_S = 120, 60, 30
REFUSED = 421
USUAL_ADDRESS = "http://127.0.0.1:8000"
"""Default address of serve.py."""

Arrays = dict[str, NDArray[Any]]


class Client:
    """One connection to the server; `run` sends binary tensors, like a session of a runtime."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        """Create a client on an open connection."""
        self._connection = connection
        self.name = ""

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, int]:
        """Send a request; return (status, body, number of bytes of the body that are JSON)."""
        self._connection.request(method, path, body, {"Host": "127.0.0.1", **(headers or {})})
        response = self._connection.getresponse()
        content = response.read()
        return response.status, content, int(response.headers.get(HEADER_LENGTH) or len(content))

    def document(self, method: str, path: str, body: bytes = b"") -> Any:
        """Return the JSON of a response; raise OSError for any status but 200."""
        status, content, _ = self.request(method, path, body)
        if status != 200:
            raise OSError(f"{method} {path} gave {status}: {content[:300].decode(errors='replace')}")
        return json.loads(content)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return all outputs by name; raise OSError on failure."""
        parts = [np.ascontiguousarray(values).tobytes() for values in feeds.values()]
        inputs = [
            {**Tensor(name, values.dtype.name, values.shape).metadata(), "parameters": {"binary_data_size": len(part)}}
            for (name, values), part in zip(feeds.items(), parts, strict=True)
        ]
        head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
        headers = {HEADER_LENGTH: str(len(head))}
        status, content, length = self.request(
            "POST", f"/v2/models/{self.name}/infer", b"".join([head, *parts]), headers
        )
        if status != 200:
            raise OSError(f"the server gave {status}: {content[:300].decode(errors='replace')}")
        return _arrays(content, length)


def _arrays(content: bytes, start: int) -> Arrays:
    """Return the output arrays of a binary response whose JSON ends at `start`."""
    names = {name: dtype for dtype, name in DATATYPES.items()}
    found: Arrays = {}
    for entry in json.loads(content[:start])["outputs"]:
        end = start + entry["parameters"]["binary_data_size"]
        found[entry["name"]] = np.frombuffer(content[start:end], names[entry["datatype"]]).reshape(entry["shape"])
        start = end
    return found


def request_server(ctx: JobContext) -> tuple[tuple[ExportCheck, ...], str]:
    """Start the server of the bundle that `selftest` unpacked, send requests, and stop it.

    Returns:
        The checks, and the line that serve.py prints at a start without options.

    Raises:
        WorkerError: The server fails.
    """
    folder = ctx.work_dir / FOLDER
    python = interpreter(ctx.work_dir / ENVIRONMENT)
    process, connection, line = _start(python, folder, ctx.threads)
    client = Client(connection)
    try:
        checks = (*_request_all(client, folder, ctx), _stop(process))
        return checks, _with_address(line, client.name)
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        error_output = _end(process)
        raise failed(_("Its server failed ({0}).").format(f"{error} {error_output}".strip())) from error
    finally:
        connection.close()
        _end(process)


def _with_address(line: str, name: str) -> str:
    """Return the ready line of a server with a handed-over connection in the form of a listening server."""
    rest = re.sub(r"^ on http://\S+", "", line.strip().removeprefix(f"ready: {name}"))
    return f"ready: {name} on {USUAL_ADDRESS}{rest}"


def _start(python: Path, folder: Path, threads: int) -> "tuple[subprocess.Popen[str], http.client.HTTPConnection, str]":
    """Return the server, a connection to it, and its ready line."""
    command = [str(python), "-I", "-B", "serve.py", "--threads", str(threads)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pipe = subprocess.PIPE
    pipes: dict[str, Any] = {"stdout": pipe, "stderr": pipe, "text": True, "cwd": folder, "env": kept}
    if os.name == "nt":
        process = subprocess.Popen([*command, "--port", "0"], **pipes)
        line = _ready(process)
        found = re.search(r" on http://127\.0\.0\.1:(\d+) ", line)
        assert found is not None
        return process, http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=ANSWER_S), line
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen([*command, "--fd", str(theirs.fileno())], pass_fds=(theirs.fileno(),), **pipes)
    ours.settimeout(ANSWER_S)
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = ours
    try:
        line = _ready(process)
    except WorkerError:
        connection.close()
        raise
    return process, connection, line


def _ready(process: "subprocess.Popen[str]") -> str:
    """Return the server's first line; raise `WorkerError` if it prints nothing in time."""
    assert process.stdout is not None
    late = threading.Timer(START_S, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    if not line.startswith("ready: "):
        raise failed(_("Its server did not start ({0}).").format(_end(process) or _("it printed nothing")))
    return line


def _request_all(client: Client, folder: Path, ctx: JobContext) -> tuple[ExportCheck, ...]:
    client.document("GET", "/v2/health/ready")
    client.name = str(client.document("POST", "/v2/repository/index")[0]["name"])
    described = client.document("GET", f"/v2/models/{client.name}")
    names = ", ".join(entry["name"] for entry in described["inputs"])
    ctx.check_cancelled()
    alike, differences = compare_golden(folder / "golden", load_pipeline(folder), client)
    if differences:
        raise failed(joined([_("Its server gives other answers."), differences[0]]))
    ctx.check_cancelled()
    example = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["example"]
    body = str(example["text"]).encode() if "text" in example else (folder / example["file"]).read_bytes()
    report = client.document("POST", f"/v2/models/{client.name}/answer", body)
    status, *_answer = client.request("GET", "/v2", headers={"Host": "stranger.example"})
    if status != REFUSED:
        raise failed(_("Its server answers under a host name that it does not know (status {0}).").format(status))
    shown = (
        report["answer"] if isinstance(report["answer"], str) else _("an answer of shape {0}").format(report["shape"])
    )
    return (
        ExportCheck(what="Its server is ready", ok=True, detail=_("model {0}, inputs {1}").format(client.name, names)),
        ExportCheck(what="Its server gives the same answers", ok=True, detail=_("{0} of {0}").format(alike)),
        ExportCheck(what="Its server answers a real input", ok=True, detail=shown),
        ExportCheck(what="Its server refuses unknown host names", ok=True, detail="stranger.example was not answered"),
    )


def _stop(process: "subprocess.Popen[str]") -> ExportCheck:
    if os.name == "nt":  # Windows cannot send SIGTERM to a process without a console
        process.terminate()
        return ExportCheck(what="Its server stops", ok=True, detail="it was ended")
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(STOP_S)
    except subprocess.TimeoutExpired as error:
        raise failed(_("Its server did not stop within {0} s.").format(STOP_S)) from error
    if code != 0:
        raise failed(_("Its server stopped with {0}.").format(code))
    return ExportCheck(what="Its server stops", ok=True, detail="on SIGTERM")


def _end(process: "subprocess.Popen[str]") -> str:
    """End the process and return the end of its error output."""
    if process.poll() is None:
        process.kill()
    _, error_output = process.communicate() if process.stderr is not None and not process.stderr.closed else ("", "")
    return error_output.strip()[-500:]
