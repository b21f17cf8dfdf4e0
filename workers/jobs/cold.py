"""Job kind ``cold``: measure the time from process start to the first prediction."""

from workers.contracts.after.load import ColdParams, ColdTimes
from workers.contracts.base import Rows
from workers.contracts.process.context import JobContext
from workers.measure.cold_start import start_once


def run(params: ColdParams, ctx: JobContext) -> Rows[ColdTimes]:
    """Start all models in turn, `repeats` times each.

    A first start of each model is not counted, because it fills the system's cache.
    """
    times_of: list[list[tuple[float, float]]] = [[] for _ in params.models]
    for number in range(params.repeats + 1):
        order = range(len(params.models)) if number % 2 == 0 else reversed(range(len(params.models)))
        for index in order:
            ctx.check_cancelled()
            times = start_once(params.models[index], params.data_dir, ctx.threads)
            if number:
                times_of[index].append(times)
        ctx.progress("Start in fresh processes", number + 1, params.repeats + 1, "starts")
    return Rows(
        rows=tuple(
            ColdTimes(total_ms=tuple(total for total, _ in times), load_ms=tuple(load for _, load in times))
            for times in times_of
        )
    )
