"""Asks the server of an unpacked bundle as its clients will, without a network.

Export jobs may open no socket; a pair of connected ones is no way out, and one end is handed to the server (`--fd`).
Where processes cannot inherit one (Windows) the server listens on a free port of this computer.
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
from workers.export.fresh_environment import interpreter
from workers.export.selftest import ENVIRONMENT, FOLDER, failed
from workers.export.service.bundle_files.fettle_service.protocol import DATATYPES, HEADER_LENGTH
from workers.pipeline.golden import compare_golden
from workers.pipeline.pipeline import load_pipeline

START_S, ANSWER_S, STOP_S = 120, 60, 30
REFUSED = 421
USUAL_ADDRESS = "http://127.0.0.1:8000"
"""Where serve.py listens unless its options say otherwise."""

Arrays = dict[str, NDArray[Any]]


class Client:
    """One connection to the server. `run` asks the model with binary tensors, as a session of a runtime is asked."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self.name = ""

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, int]:
        """(status, body, bytes of it that are JSON)."""
        self._connection.request(method, path, body, {"Host": "127.0.0.1", **(headers or {})})
        response = self._connection.getresponse()
        content = response.read()
        return response.status, content, int(response.headers.get(HEADER_LENGTH) or len(content))

    def document(self, method: str, path: str, body: bytes = b"") -> Any:
        """The JSON of an answer. Raises OSError for anything but 200."""
        status, content, _ = self.ask(method, path, body)
        if status != 200:
            raise OSError(f"{method} {path} gave {status}: {content[:300].decode(errors='replace')}")
        return json.loads(content)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """All outputs by name. Raises OSError."""
        parts = [np.ascontiguousarray(values).tobytes() for values in feeds.values()]
        inputs = [
            {
                "name": name,
                "datatype": DATATYPES[values.dtype.name],
                "shape": list(values.shape),
                "parameters": {"binary_data_size": len(part)},
            }
            for (name, values), part in zip(feeds.items(), parts, strict=True)
        ]
        head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
        headers = {HEADER_LENGTH: str(len(head))}
        status, content, length = self.ask("POST", f"/v2/models/{self.name}/infer", b"".join([head, *parts]), headers)
        if status != 200:
            raise OSError(f"the server gave {status}: {content[:300].decode(errors='replace')}")
        return _arrays(content, length)


def _arrays(content: bytes, start: int) -> Arrays:
    """Output arrays of a binary answer whose JSON ends at `start`."""
    names = {name: dtype for dtype, name in DATATYPES.items()}
    found: Arrays = {}
    for entry in json.loads(content[:start])["outputs"]:
        end = start + entry["parameters"]["binary_data_size"]
        found[entry["name"]] = np.frombuffer(content[start:end], names[entry["datatype"]]).reshape(entry["shape"])
        start = end
    return found


def ask_the_server(ctx: JobContext) -> tuple[tuple[ExportCheck, ...], str]:
    """Start the server of the bundle that `selftest` unpacked, ask it, stop it.

    Returns the checks, and the line that serve.py prints where it is started without options. Raises `WorkerError`
    where the server fails.
    """
    folder = ctx.work_dir / FOLDER
    python = interpreter(ctx.work_dir / ENVIRONMENT)
    process, connection, line = _start(python, folder, ctx.threads)
    client = Client(connection)
    try:
        checks = (*_ask(client, folder, ctx), _stop(process))
        return checks, _with_address(line, client.name)
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        said = _end(process)
        raise failed(f"its server failed: {error} {said}".strip()) from error
    finally:
        connection.close()
        _end(process)


def _with_address(line: str, name: str) -> str:
    """Return the line of a server that was handed a connection as one that listens prints it."""
    rest = re.sub(r"^ on http://\S+", "", line.strip().removeprefix(f"ready: {name}"))
    return f"ready: {name} on {USUAL_ADDRESS}{rest}"


def _start(python: Path, folder: Path, threads: int) -> "tuple[subprocess.Popen[str], http.client.HTTPConnection, str]":
    """Return the server, a connection to it, and the line by which it said that it is ready."""
    command = [str(python), "-I", "-B", "serve.py", "--threads", str(threads)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pipes: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "cwd": folder,
        "env": kept,
    }
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
    """Its first line. Raises `WorkerError` where it says nothing in time."""
    assert process.stdout is not None
    late = threading.Timer(START_S, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    if not line.startswith("ready: "):
        raise failed(f"its server did not start. {_end(process)}")
    return line


def _ask(client: Client, folder: Path, ctx: JobContext) -> tuple[ExportCheck, ...]:
    client.document("GET", "/v2/health/ready")
    client.name = str(client.document("POST", "/v2/repository/index")[0]["name"])
    described = client.document("GET", f"/v2/models/{client.name}")
    names = ", ".join(entry["name"] for entry in described["inputs"])
    ctx.check_cancelled()
    alike, differences = compare_golden(folder / "golden", load_pipeline(folder), client)
    if differences:
        raise failed(f"its server answers otherwise. {differences[0]}")
    ctx.check_cancelled()
    example = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["example"]
    body = str(example["text"]).encode() if "text" in example else (folder / example["file"]).read_bytes()
    told = client.document("POST", f"/v2/models/{client.name}/answer", body)
    status, _, _ = client.ask("GET", "/v2", headers={"Host": "stranger.example"})
    if status != REFUSED:
        raise failed(f"its server answers under a name that it was not told (status {status})")
    shown = told["answer"] if isinstance(told["answer"], str) else f"an answer of shape {told['shape']}"
    return (
        ExportCheck(what="Its server is ready", ok=True, detail=f"model {client.name}, inputs {names}"),
        ExportCheck(what="Its server gives the same answers", ok=True, detail=f"{alike} of {alike}"),
        ExportCheck(what="Its server answers what a person has", ok=True, detail=shown),
        ExportCheck(what="Its server refuses strange names", ok=True, detail="stranger.example was not answered"),
    )


def _stop(process: "subprocess.Popen[str]") -> ExportCheck:
    if os.name == "nt":  # there is no polite signal to a process without a console
        process.terminate()
        return ExportCheck(what="Its server stops", ok=True, detail="it was ended")
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(STOP_S)
    except subprocess.TimeoutExpired as error:
        raise failed(f"its server did not stop within {STOP_S} s") from error
    if code != 0:
        raise failed(f"its server stopped with {code}")
    return ExportCheck(what="Its server stops", ok=True, detail="when it is told to")


def _end(process: "subprocess.Popen[str]") -> str:
    """No process is left behind; returns the end of what it complained of."""
    if process.poll() is None:
        process.kill()
    _, said = process.communicate() if process.stderr is not None and not process.stderr.closed else ("", "")
    return said.strip()[-500:]
