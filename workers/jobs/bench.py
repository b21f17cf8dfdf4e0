"""Job kind ``bench``: measure latency, throughput and memory of one model over batch sizes."""

from functools import partial
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import BenchParams, BenchPoint, BenchResult
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _
from workers.infer.base import Session
from workers.measure.card.taking import take_figures
from workers.measure.gpu_memory import GpuPeak
from workers.measure.load.loadgen import run_scenario
from workers.measure.memory import PeakMeter
from workers.measure.opening import open_session
from workers.measure.requests import Requests, load_requests, run_first
from workers.measure.speech import forget_speech, speech_of
from workers.measure.throughput import knee, warm_up


def run(params: BenchParams, ctx: JobContext) -> BenchResult:
    """Measure one point per batch size, smallest first, for the same time each.

    LoadGen's logs go to the job's folder.
    """
    batches = sorted(set(params.batches))
    if not batches or batches[0] < 1 or params.seconds <= 0:
        raise InputRefused(
            "bad_bench",
            "These batch sizes or seconds cannot be measured",
            _("Batch sizes were {0}, seconds {1:g}.").format(list(params.batches), params.seconds),
            "Use batch sizes of 1 or more and a time above 0.",
        )
    folder, data = Path(params.model_dir), Path(params.data_dir)
    meter, card = PeakMeter(), GpuPeak.of(params.runtime)
    reopen = partial(open_session, folder, params.runtime, params.settings, ctx.threads)
    session = reopen()
    points = []
    for batch in in_steps(ctx, "Measure", batches, "batch sizes"):
        requests = load_requests(folder, data, batch)
        meter.reset_peak()
        run_first(session, requests, params.runtime)
        seconds = params.seconds / len(batches)
        if card is not None:
            card.stop()  # no sampling while requests are timed
        point = _point(params, session, requests, seconds, ctx, meter)
        if card is not None:
            report = take_figures(session, requests, reopen, ctx.check_cancelled)
            point = point.model_copy(update={"card": report, "peak_memory_bytes": card.peak_bytes})
            card = card.again()
        points.append(point)
    for fallback in session.fallbacks:
        ctx.log(fallback, "warning")
    if card is not None:
        card.stop()
    speech = speech_of(session)
    session.close()
    best = knee(batches, [point.throughput_per_s for point in points])
    return BenchResult(points=tuple(points), knee_batch=best, speech=speech)


def _point(
    params: BenchParams, session: Session, requests: Requests, seconds: float, ctx: JobContext, meter: PeakMeter
) -> BenchPoint:
    """Measure one batch size; LoadGen's pilot run is the warm-up."""
    check = ctx.check_cancelled
    pilot_per_s = warm_up(session, requests, seconds, check)
    forget_speech(session)
    logs = ctx.work_dir / "loadgen" / f"batch-{requests.batch}"
    measured = run_scenario(session, requests, params.scenario, seconds, pilot_per_s, logs, ctx.seed, check)
    if not measured.valid:
        ctx.log(f"LoadGen calls batch {requests.batch} invalid: {' '.join(measured.reasons)}", "warning")
    return BenchPoint(
        batch=requests.batch,
        latency=measured.latency,
        throughput_per_s=measured.throughput_per_s,
        peak_memory_bytes=meter.peak_bytes(),
        valid=measured.valid,
        reasons=measured.reasons,
    )
