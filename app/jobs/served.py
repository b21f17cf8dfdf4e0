"""Start a process that answers web requests on a socket which the program opened, behind the walls of workers."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from app.jobs.environment import allowed
from workers.contracts.optional_sets import lead_to_card_sets
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Limits

PORTS, BACKLOG = 100, 256
ROOT = Path(__file__).resolve().parents[2]
Served: TypeAlias = "subprocess.Popen[bytes]"


def listening(host: str, wanted: int) -> socket.socket:
    """Return a socket that listens on the wanted port of an address, else on the next free one; raises OSError."""
    for port in (*range(wanted, min(wanted + PORTS, 65536)), 0):
        with contextlib.suppress(OSError):
            made = socket.create_server((host, port), backlog=BACKLOG)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # see `listening` in the server of bundles
            return made
    raise OSError(f"no port of {host} is free")


def serve(
    script: Path, options: Sequence[str], config: ChildConfig, limits: Limits, listener: socket.socket, log: Path
) -> Served:
    """Start `script` by `workers/runtime/serving.py`; the end of its standard input stops it. Raises OSError."""
    handed = () if os.name == "nt" else (listener.fileno(),)
    host, port = listener.getsockname()
    place = ["--fd", str(*handed)] if handed else ["--host", host, "--port", str(port)]
    if not handed:  # Windows: a process inherits no socket, so it listens itself
        listener.close()
    environ = allowed(os.environ, network=False)
    if limits.gpu:
        lead_to_card_sets(environ)
    settings = (config.model_dump_json(), limits.model_dump_json(), str(script))
    command = [sys.executable, "-B", "-m", "workers.runtime.serving", *settings, *options, *place]
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    with os.fdopen(os.open(log, flags, 0o600), "r+b", buffering=0) as errors:
        return subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE,
            stdout=errors, stderr=errors, pass_fds=handed, start_new_session=True,
        )  # fmt: skip
