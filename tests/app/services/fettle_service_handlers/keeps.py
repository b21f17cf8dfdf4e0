"""Keep a file of finished work; hang the first time, then return what was kept."""

import time

from fettle_service_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    assert ctx.persistent_dir is not None
    kept = ctx.persistent_dir / "finished.txt"
    found = kept.read_text() if kept.exists() else ""
    kept.write_text(f"{found}x")
    ctx.progress("kept", 1, 1)
    while not found:
        time.sleep(0.01)
    return Result(values={"found": found})
