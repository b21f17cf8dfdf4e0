"""Job kind ``load``: measure one part of a model's behavior under load; LoadGen's logs stay in the job's folder."""

from pathlib import Path

from workers.contracts.after.load import CapacityResult, LoadParams, LoadResult
from workers.contracts.process.context import JobContext
from workers.infer.base import Session
from workers.measure.load.capacity import capacity
from workers.measure.load.prompt_lengths import prompt_lengths
from workers.measure.load.under_load import serving, sweep
from workers.measure.memory import PeakMeter
from workers.measure.opening import open_session
from workers.measure.requests import load_requests, run_first
from workers.measure.throughput import warm_up
from workers.measure.timing import OtherLoad

MAX_PART_S = 60.0
"""Maximum duration of one part; more time does not improve the figures of batch sizes and rates."""


def run(params: LoadParams, ctx: JobContext) -> LoadResult:
    """Load, warm up and measure; no message is sent during the measurement.

    Raises:
        InputRefused: The part does not fit the model.
    """
    folder, data = Path(params.model_dir), Path(params.data_dir)
    level = PeakMeter()
    session = open_session(folder, params.runtime, params.settings, ctx.threads)
    first = load_requests(folder, data)
    run_first(session, first, params.runtime)
    ctx.check_cancelled()
    ctx.progress("Measure", 0, 1)
    load = OtherLoad()
    result = _measure(params, session, level, ctx)
    busy_share = load.share()
    ctx.progress("Measure", 1, 1)
    fallbacks = tuple(session.fallbacks)
    session.close()
    return result.model_copy(update={"busy_share": busy_share, "fallbacks": fallbacks})


def _measure(params: LoadParams, session: Session, level: PeakMeter, ctx: JobContext) -> LoadResult:
    folder, data = Path(params.model_dir), Path(params.data_dir)
    part, check = params.part, ctx.check_cancelled
    seconds = min(params.seconds, MAX_PART_S)
    if part == "sweep":
        measured = sweep(session, folder, data, params.runtime, params.batches, seconds, params.energy_files, check)
        return LoadResult(part=part, sweep=measured)
    if part == "serving":
        return LoadResult(part=part, serving=serving(session, folder, data, seconds, ctx.seed, check))
    if part == "prompts":
        return LoadResult(part=part, prompts=prompt_lengths(session, folder, data, level, seconds, check))
    return LoadResult(part=part, capacity=_capacity(params, session, ctx))


def _capacity(params: LoadParams, session: Session, ctx: JobContext) -> CapacityResult:
    if params.limit_ms is None:
        raise ValueError("the part capacity needs a limit of latency")
    requests = load_requests(Path(params.model_dir), Path(params.data_dir))
    per_s = warm_up(session, requests, params.seconds, ctx.check_cancelled)
    folder = ctx.work_dir / "loadgen" / "capacity"
    return capacity(session, requests, params.limit_ms, params.seconds, per_s, folder, ctx.seed, ctx.check_cancelled)
