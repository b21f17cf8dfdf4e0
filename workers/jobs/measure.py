"""Job kind ``measure``: keep one model loaded and run one block at each turn."""

import time
from functools import partial
from pathlib import Path

from workers.contracts.errors import JobCancelled
from workers.contracts.folder import read_model
from workers.contracts.jobs import MeasureParams, MeasureResult
from workers.contracts.measured.card_figures import CardFigures
from workers.contracts.process.context import JobContext
from workers.infer.base import Session
from workers.measure.card.taking import take_figures
from workers.measure.gpu_memory import GpuPeak
from workers.measure.memory import PeakMeter
from workers.measure.memory_roof import memory_roof
from workers.measure.opening import open_session
from workers.measure.requests import Requests, load_requests, run_first
from workers.measure.speech import forget_speech, speech_of
from workers.measure.timing import frozen, run_block


def run(params: MeasureParams, ctx: JobContext) -> MeasureResult:
    """Load the model, run it once, report that it is loaded, and run one block per turn.

    Messages are sent only between blocks.
    """
    requests = load_requests(Path(params.model_dir), Path(params.data_dir), params.batch)
    ctx.check_cancelled()
    meter, card = PeakMeter(), GpuPeak.of(params.runtime)
    started = time.perf_counter()
    session = open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    load_ms = (time.perf_counter() - started) * 1000
    ctx.check_cancelled()
    started = time.perf_counter()
    run_first(session, requests, params.runtime)
    first_ms = (time.perf_counter() - started) * 1000
    if card is not None:
        card.stop()  # no sampling while requests are timed
    forget_speech(session)  # the first answer is not a measurement
    first_set = False
    with frozen():
        ctx.loaded()
        for turn in ctx.blocks():
            first_set = first_set or turn.first_request == 0
            block = run_block(
                session,
                requests,
                first=turn.first_request,
                warmup=turn.warmup_requests,
                timed=turn.timed_requests,
                max_s=turn.max_s,
                check=ctx.check_cancelled,
                slice_requests=turn.slice_requests,
            )
            ctx.sample(params.series, block.ended_s, block.latencies_ms)
            ctx.block_done(turn.index, block.latencies_ms, block.load)
    result = MeasureResult(
        load_ms=load_ms,
        first_ms=first_ms,
        peak_memory_bytes=meter.peak_bytes() if card is None else card.peak_bytes,
        device_ran=session.device_ran,
        fallbacks=session.fallbacks,
        speech=speech_of(session),
        card=_card(params, session, requests, ctx) if card is not None and first_set else None,
    )
    session.close()
    if result.speech and card is None:  # the model is closed, so that reading memory takes no more than the peak
        return result.model_copy(update={"roof": memory_roof(read_model(Path(params.model_dir)), ctx.threads)})
    return result


def _card(params: MeasureParams, session: Session, requests: Requests, ctx: JobContext) -> CardFigures | None:
    """Return figures of the GPU's own clock, taken while this process still has the turn.

    If they cannot be taken, a warning is logged and the timed latencies stay valid.
    """
    reopen = partial(open_session, Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    try:
        return take_figures(session, requests, reopen, ctx.check_cancelled)
    except JobCancelled:
        raise
    except Exception as error:  # libraries raise many types
        ctx.log(f"The card's own figures could not be taken: {' '.join(str(error).split())[:300]}", "warning")
        return None
