"""Attempts what a job must not do, named by `what`: one attempt, or several with the end of each as JSON."""

import ctypes
import errno
import fcntl
import json
import os
import platform
import resource
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workers.contracts.base import Frozen
from workers.contracts.process.context import JobContext

OPENAT2, PIDFD_SEND_SIGNAL = 437, 424
PROCESS_VM_READV, PERF_EVENT_OPEN, SIGQUEUE = (310, 298, 129) if platform.machine() == "x86_64" else (270, 241, 138)
NEITHER_READ_NOR_WRITE = 3
AT_FDCWD = -100


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


def _call(number: int, *arguments: object) -> int:
    """Make one system call. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _open_and_empty(secret: Path, mode: int) -> int:
    return os.open(secret, os.O_TRUNC | mode)


def _empty_by_openat2(secret: Path) -> int:
    how = struct.pack("QQQ", os.O_TRUNC | NEITHER_READ_NOR_WRITE, 0, 0)
    try:
        return _call(OPENAT2, AT_FDCWD, ctypes.c_char_p(os.fsencode(secret)), how, ctypes.c_size_t(len(how)))
    except OSError as error:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM)) from error  # ENOSYS: the filter hides the call


def _signal_by_owner(pid: int) -> None:
    """Make a pipe that signals its owner when something comes."""
    reads, _ = os.pipe()
    fcntl.fcntl(reads, fcntl.F_SETOWN, pid)


def _signal_by_pidfd(pid: int) -> int:
    return _call(PIDFD_SEND_SIGNAL, os.pidfd_open(pid), signal.SIGTERM, None, 0)


def _queue_signal(pid: int) -> int:
    info = ctypes.create_string_buffer(struct.pack("iii", signal.SIGTERM, 0, -1), 128)  # SI_QUEUE
    return _call(SIGQUEUE, pid, signal.SIGTERM, info)


def _limit_the_window(pid: int) -> object:
    """Let the system end the parent for its use of the processor."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_CPU)
    return resource.prlimit(pid, resource.RLIMIT_CPU, (soft, hard))


def _read_memory(pid: int) -> int:
    buffer = ctypes.create_string_buffer(8)
    vector = struct.pack("QQ", ctypes.addressof(buffer), 8)
    return _call(PROCESS_VM_READV, pid, vector, ctypes.c_ulong(1), vector, ctypes.c_ulong(1), ctypes.c_ulong(0))


def _count_events() -> int:
    """Count page faults of this process."""
    attributes = struct.pack("IIQ", 1, 112, 2).ljust(112, b"\0")
    return _call(PERF_EVENT_OPEN, attributes, 0, -1, -1, ctypes.c_ulong(0))


def _move_inside(folder: Path) -> str:
    """Move a file from one folder of the job into another, over an older one."""
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "file").write_text(name)
    (folder / "a" / "file").replace(folder / "b" / "file")
    (folder / "a").rmdir()
    left = [path.name for path in (folder / "b").iterdir()]
    return f"{left} {(folder / 'b' / 'file').read_text()}"


def _send_to(path: Path) -> int:
    """Send a datagram to a socket that has a path outside."""
    ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return ours.sendto(b"x", str(path))


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
        "change_mode": lambda: str(secret.chmod(0o777)),
        "move_inside": lambda: _move_inside(ctx.work_dir),
        "truncate": lambda: str(os.truncate(secret, 0)),
        "empty_for_reading": lambda: str(_open_and_empty(secret, os.O_RDONLY)),
        "empty_for_nothing": lambda: str(_open_and_empty(secret, NEITHER_READ_NOR_WRITE)),
        "empty_by_openat2": lambda: str(_empty_by_openat2(secret)),
        "signal_by_owner": lambda: str(_signal_by_owner(os.getppid())),
        "signal_by_pidfd": lambda: str(_signal_by_pidfd(os.getppid())),
        "queue_signal": lambda: str(_queue_signal(os.getppid())),
        "limit_the_window": lambda: str(_limit_the_window(os.getppid())),
        "read_memory": lambda: str(_read_memory(os.getpid())),
        "count_events": lambda: str(_count_events()),
        "send_to_a_socket": lambda: str(_send_to(outside.parent / "socket")),
        "take_memory": _take_memory,
        "run_for_ever": _burn,
        "wait_for_ever": lambda: str(time.sleep(60)),
        "fork_on_and_on": _fork_on_and_on,
        "threads_on_and_on": _threads_on_and_on,
        "fill_the_disk": lambda: _fill_the_disk(ctx.work_dir),
    }
    names = params.what.split(",")
    if len(names) == 1:
        return Result(answer=tries[params.what]())
    return Result(answer=json.dumps({name: _end_of(tries[name]) for name in names}))


def _end_of(attempt: Callable[[], str]) -> str:
    try:
        return attempt()
    except OSError as error:
        if isinstance(error, PermissionError) or error.errno == errno.EXDEV:  # which Landlock reports for links
            return "not permitted"
        raise


def _linked(folder: Path, target: Path) -> Path:
    (folder / "link").symlink_to(target)
    return folder / "link"
