"""One bad end after the other, named by `values["how"]`."""

import ctypes
import os
import signal
import time

from fettle_service_handlers._shared import Params, Result
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    (ctx.work_dir / "half.bin").write_bytes(b"x")
    how, kept = params.values["how"], []
    if how == "refuse":
        raise InputRefused("no_good", "No good", "It is bad.", "Bring another.")
    if how == "raise":
        raise ZeroDivisionError("a mistake")
    if how == "segv":
        ctypes.string_at(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while how == "memory":
        kept.append(bytearray(b"x" * (8 << 20)))
        time.sleep(0.002)
    return Result()
