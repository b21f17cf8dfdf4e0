"""One bad end after the other, named by `values["how"]`."""

import ctypes
import os
import signal
import stat
import sys
import time

from fettle_test_handlers._shared import Params, Result
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext


def _touch_memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(b"x" * (8 << 20)))
        time.sleep(0.002)


def _burn() -> None:
    while True:
        pass


def _write_too_much(ctx: JobContext) -> None:
    with (ctx.work_dir / "big.bin").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * (1 << 20))


def _write_to_pipe(data: bytes) -> None:
    for descriptor in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, data)
        except OSError:
            continue
    time.sleep(3600)


def run(params: Params, ctx: JobContext) -> Result:
    (ctx.work_dir / "half.bin").write_bytes(b"x")
    how = params.values["how"]
    actions = {
        "segv": lambda: ctypes.string_at(0),
        "abort": os.abort,
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "exit": lambda: os._exit(7),
        "sys_exit": lambda: sys.exit(3),
        "raise": lambda: 1 / 0,
        "refuse": lambda: (_ for _ in ()).throw(InputRefused("no_good", "No good", "It is bad.", "Bring another.")),
        "strange_name": lambda: (_ for _ in ()).throw(InputRefused("x", "X", "Cannot read a\udcffb.", "Rename it.")),
        "touch_memory": _touch_memory,
        "huge_request": lambda: bytearray(1 << 40),
        "burn": _burn,
        "write_too_much": lambda: _write_too_much(ctx),
        "nonsense": lambda: _write_to_pipe(b"\x00\x00\x00\x05hello"),
        "half_a_message": lambda: _write_to_pipe(b"\x00\x00\x10\x00{"),
        "hang": lambda: time.sleep(60),
        "allocation_text": lambda: (_ for _ in ()).throw(RuntimeError("DefaultCPUAllocator: can't allocate memory")),
    }
    actions[how]()
    return Result()
