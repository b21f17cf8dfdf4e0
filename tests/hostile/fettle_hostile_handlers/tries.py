"""Does one thing that a job must not do, named by `what`, and does not mind what comes of it."""

import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from workers.contracts.base import Frozen
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


class Params(Frozen):
    what: str
    outside: str
    port: int


class Result(Frozen):
    answer: str


def _take_memory() -> str:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 8))
        time.sleep(0.002)


def _burn() -> str:
    while True:
        pass


def _fork_on_and_on() -> str:
    while True:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)


def _threads_on_and_on() -> str:
    while True:
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()


def _fill_the_disk(folder: Path) -> str:
    with (folder / "big").open("wb") as file:
        while True:
            file.write(bytes(1 << 20))


def run(params: Params, ctx: JobContext) -> Result:
    outside = Path(params.outside)
    secret = outside / "secret.txt"
    tries = {
        "read": secret.read_text,
        "read_a_link": lambda: (_linked(ctx.work_dir, secret)).read_text(),
        "list": lambda: str(os.listdir(outside)),  # noqa: PTH208
        "write": lambda: str((outside / "new.txt").write_text("x")),
        "remove": lambda: str(secret.unlink()),
        "move": lambda: str(shutil.move(secret, ctx.work_dir / "mine")),
        "hard_link": lambda: str((ctx.work_dir / "hard").hardlink_to(secret)),
        "connect": lambda: str(socket.create_connection(("127.0.0.1", params.port), timeout=2)),
        "listen": lambda: str(socket.create_server(("127.0.0.1", 0))),
        "datagram": lambda: str(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "start_a_program": lambda: str(subprocess.run(["/bin/true"], check=True)),
        "become_a_program": lambda: str(os.execv("/bin/true", ["true"])),
        "end_the_window": lambda: str(os.kill(os.getppid(), 15)),
        "take_memory": _take_memory,
        "run_for_ever": _burn,
        "wait_for_ever": lambda: str(time.sleep(60)),
        "fork_on_and_on": _fork_on_and_on,
        "threads_on_and_on": _threads_on_and_on,
        "fill_the_disk": lambda: _fill_the_disk(ctx.work_dir),
    }
    return Result(answer=tries[params.what]())


def _linked(folder: Path, target: Path) -> Path:
    (folder / "link").symlink_to(target)
    return folder / "link"


HANDLER = HandlerSpec(kind="tries", params=Params, result=Result, run=run)
