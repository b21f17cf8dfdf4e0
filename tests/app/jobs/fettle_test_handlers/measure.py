"""Like the real measurement in its messages; a request is a short sleep or a bad end."""

import os
import signal
import time

from fettle_test_handlers._shared import Params, Result  # noqa: F401
from workers.contracts.base import Frozen
from workers.contracts.disturbed import BlockLoad
from workers.contracts.jobs import MeasureResult
from workers.contracts.process.context import JobContext


class MeasureParams(Frozen):
    request_s: float = 0.001
    fail_in_block: int | None = None
    refuse_to_load: bool = False
    hang_in: str = ""
    disturbed_blocks: int = 0
    journal: str = ""


def hang() -> None:
    """At work for ever: a native loop sees no message."""
    while True:
        sum(range(1000))


def run(params: MeasureParams, ctx: JobContext) -> MeasureResult:
    if params.refuse_to_load:
        raise ValueError("this runtime does not know the operator")
    if params.hang_in == "loading":
        hang()
    ctx.loaded()
    for turn in ctx.blocks():
        begin = time.monotonic()
        ctx.progress("never sent inside a turn", turn.index)
        if turn.index == params.fail_in_block:
            os.kill(os.getpid(), signal.SIGSEGV)
        if params.hang_in == "turn":
            hang()
        latencies = []
        for number in range(turn.warmup_requests + turn.timed_requests):
            ctx.check_cancelled()
            time.sleep(params.request_s)
            if number >= turn.warmup_requests:
                latencies.append(params.request_s * 1000)
            if time.monotonic() - begin > turn.max_s and latencies:
                break
        ctx.sample("latency_ms", [begin, time.monotonic()], [0.0, 0.0])
        waits_s = (float(turn.index < params.disturbed_blocks),) * len(latencies)
        load = BlockLoad(requests=len(latencies), elapsed_s=0.001, cpu_s=0.001, busy_share=0.25, slice_waits_s=waits_s)
        ctx.block_done(turn.index, latencies, load)
    return MeasureResult(load_ms=1.0, first_ms=2.0, peak_memory_bytes=None, device_ran="cpu")
