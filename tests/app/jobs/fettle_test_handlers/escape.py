"""Try every access outside of the job's folder and return the outcome of each."""

import multiprocessing
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from fettle_test_handlers._shared import Params, Result, attempt, in_thread
from workers.contracts.process.context import JobContext


def _fork() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


def run(params: Params, ctx: JobContext) -> Result:
    outside, port = Path(params.values["outside"]), params.values.get("port", 9)
    secret = outside / "secret.txt"
    reads, writes = multiprocessing.Pipe(duplex=True)
    actions: dict[str, Callable[[], object]] = {
        "read outside": secret.read_text,
        "list outside": lambda: list(outside.iterdir()),
        "write outside": lambda: (outside / "new.txt").write_text("x"),
        "truncate outside": lambda: os.truncate(secret, 0),
        "remove outside": secret.unlink,
        "connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=1),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "start program": lambda: subprocess.run(["/bin/true"], check=True),
        "execute": lambda: os.execv("/bin/true", ["true"]),
        "fork": _fork,
        "signal parent": lambda: os.kill(os.getppid(), 0),
        "read input": lambda: Path(params.values["input"]).read_text(),
        "write work": lambda: (ctx.work_dir / "ok.txt").write_text("x"),
        "chmod outside": lambda: secret.chmod(0o777),
        "pipe": lambda: writes.send_bytes(b"x"),
    }
    report = {name: attempt(action) for name, action in actions.items()}
    (ctx.work_dir / "deep").mkdir()
    for link in (ctx.work_dir / "link", ctx.work_dir / "deep" / "link"):
        link.symlink_to(secret)
    (ctx.work_dir / "folder").symlink_to(outside)
    report["read through a link"] = attempt((ctx.work_dir / "link").read_text)
    report["read outside in a thread"] = in_thread(secret.read_text)
    del reads
    return Result(values=report)
