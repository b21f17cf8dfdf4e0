"""Takes its time: politely, or without ever looking whether it was cancelled."""

import time

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    (ctx.work_dir / "half.bin").write_bytes(b"x" * 1000)
    ctx.progress("sleep", 0, 100)
    end = time.monotonic() + params.values.get("seconds", 3600)
    while time.monotonic() < end:
        if params.values.get("polite", True):
            ctx.check_cancelled()
        time.sleep(0.01)
    return Result()
