"""Like the real measurement in its messages; a request is a sleep of `settings["request_s"]`."""

import time

from workers.contracts.disturbed import BlockLoad
from workers.contracts.errors import InputRefused
from workers.contracts.jobs import MeasureParams, MeasureResult
from workers.contracts.process.context import JobContext


def run(params: MeasureParams, ctx: JobContext) -> MeasureResult:
    request_s = float(params.settings.get("request_s", 0.001))
    if request_s < 0:
        raise InputRefused("model_does_not_run", "It does not run", "The runtime refused it.", "Take another one.")
    ctx.loaded()
    for turn in ctx.blocks():
        for _ in range(turn.warmup_requests + turn.timed_requests):
            ctx.check_cancelled()
            time.sleep(request_s)
        load = BlockLoad(requests=turn.timed_requests, elapsed_s=0.1, cpu_s=0.1, waited_s=0.0, busy_share=0.25)
        ctx.block_done(turn.index, [request_s * 1000] * turn.timed_requests, load)
    return MeasureResult(load_ms=1.0, first_ms=2.0, peak_memory_bytes=1000, device_ran="cpu")
