"""kind ``bench``: latency, throughput and memory of one model over batch sizes."""

from pathlib import Path

from workers.contracts.context import JobContext
from workers.contracts.errors import InputRefused
from workers.contracts.jobs import BenchParams, BenchPoint, BenchResult
from workers.contracts.techniques import HandlerSpec
from workers.measure.latency import summarize
from workers.measure.memory import PeakMeter
from workers.measure.opening import open_session
from workers.measure.requests import load_requests, run_first
from workers.measure.throughput import knee, run_load


def run(params: BenchParams, ctx: JobContext) -> BenchResult:
    """One point a batch size, smallest first; the time is shared out evenly. The loops are our own, not LoadGen's."""
    batches = sorted(set(params.batches))
    if not batches or batches[0] < 1 or params.seconds <= 0:
        raise InputRefused(
            "bad_bench",
            "These batch sizes or seconds cannot be measured",
            f"Batch sizes were {list(params.batches)}, seconds {params.seconds:g}.",
            "Use batch sizes of 1 or more and a time above 0.",
        )
    folder, data = Path(params.model_dir), Path(params.data_dir)
    meter = PeakMeter()
    session = open_session(folder, params.runtime, params.settings, ctx.threads)
    points = []
    for number, batch in enumerate(batches):
        ctx.progress("Measure", number, len(batches), "batch sizes")
        requests = load_requests(folder, data, batch)
        meter.reset_peak()
        run_first(session, requests, params.runtime)
        load = run_load(
            session, requests, params.scenario, params.seconds / len(batches), ctx.seed, ctx.check_cancelled
        )
        points.append(
            BenchPoint(
                batch=batch,
                latency=summarize(load.latencies_ms),
                throughput_per_s=load.throughput_per_s,
                peak_memory_bytes=meter.peak_bytes(),
            )
        )
    ctx.progress("Measure", len(batches), len(batches), "batch sizes")
    for fallback in session.fallbacks:
        ctx.log(fallback, "warning")
    session.close()
    best = knee(batches, [point.throughput_per_s for point in points])
    return BenchResult(points=tuple(points), knee_batch=best)


HANDLER = HandlerSpec(kind="bench", params=BenchParams, result=BenchResult, run=run)
