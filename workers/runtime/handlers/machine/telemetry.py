"""kind ``telemetry``: reads the machine again and again until the job is cancelled."""

import time

from workers.contracts.jobs import TelemetryParams, TelemetryResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.measure.telemetry import Telemetry

CHECK_S = 0.05


def run(params: TelemetryParams, ctx: JobContext) -> TelemetryResult:
    """One `Sample` of one value for each series and interval. Ends by cancelling, or after `max_s`."""
    telemetry = Telemetry(lambda text: ctx.log(text, "warning"), params.watch_pid)
    started = time.monotonic()
    due, readings = started, 0
    try:
        while params.max_s is None or due - started < params.max_s:
            while (left := due - time.monotonic()) > 0:
                ctx.check_cancelled()
                time.sleep(min(left, CHECK_S))
            ctx.check_cancelled()
            now = time.monotonic()
            for series, value in telemetry.read().items():
                ctx.sample(series, [now], [value])
            readings += 1
            due = max(due + params.interval_s, now)
    finally:
        telemetry.close()
    return TelemetryResult(readings=readings)


HANDLER = HandlerSpec(kind="telemetry", params=TelemetryParams, result=TelemetryResult, run=run)
