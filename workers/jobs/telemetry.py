"""Job kind ``telemetry``: read the computer's sensors repeatedly until the job is cancelled."""

import time
from collections import defaultdict
from contextlib import closing

from workers.contracts.base import Nothing
from workers.contracts.jobs import TelemetryParams
from workers.contracts.process.context import JobContext
from workers.measure.telemetry import Telemetry

CHECK_S = 0.05
SEND_S = 0.2
"""Interval of messages; one message per reading would cost more than the reading itself."""


class _Outbox:
    """Readings by series that wait to be sent."""

    def __init__(self, ctx: JobContext) -> None:
        self._ctx, self._sent_s = ctx, time.monotonic()
        self._times: dict[str, list[float]] = defaultdict(list)
        self._values: dict[str, list[float]] = defaultdict(list)

    def put(self, now: float, readings: dict[str, float]) -> None:
        for series, value in readings.items():
            self._times[series].append(now)
            self._values[series].append(value)

    def send(self, now: float, least_s: float) -> None:
        """Send the waiting readings if the last message was `least_s` ago."""
        if now - self._sent_s < least_s:
            return
        self._sent_s = now
        for series, times in self._times.items():
            self._ctx.sample(series, times, self._values[series])
        self._times.clear()
        self._values.clear()


def run(params: TelemetryParams, ctx: JobContext) -> Nothing:
    """Send `Sample`s of each series, several readings together, until cancelled or after `max_s`."""
    telemetry = Telemetry(lambda text: ctx.log(text, "warning"), params.watch_pid, params.processor_s)
    outbox = _Outbox(ctx)
    started = time.monotonic()
    outbox.put(started, telemetry.limits())
    due, is_sent = started, False
    with closing(telemetry):
        while params.max_s is None or due - started < params.max_s:
            while (left := due - time.monotonic()) > 0:
                ctx.check_cancelled()
                time.sleep(min(left, CHECK_S))
            ctx.check_cancelled()
            now = time.monotonic()
            outbox.put(now, telemetry.read())
            outbox.send(now, SEND_S if is_sent else 0.0)
            is_sent = True
            due = max(due + params.interval_s, now)
    outbox.send(time.monotonic(), 0.0)
    return Nothing()
