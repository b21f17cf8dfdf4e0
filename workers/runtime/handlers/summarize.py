"""kind ``summarize``: figures and speedups from the times of single requests."""

import numpy as np

from workers.contracts.disturbed import is_under_load
from workers.contracts.jobs import SpeedSummary, SummarizeParams, SummarizeResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.measure.agreeing import agreement
from workers.measure.latency import Ratio, speed_ratio, summarize


def run(params: SummarizeParams, ctx: JobContext) -> SummarizeResult:
    """One summary a contender, None for one that has no times."""
    summaries: list[SpeedSummary | None] = []
    original = params.loads[0] if params.loads else ()
    for index, sets in enumerate(params.latencies_ms):
        ctx.check_cancelled()
        times = [value for one_set in sets for value in one_set]
        if not times or not any(params.latencies_ms[0]):
            summaries.append(None)
            continue
        ratio = speed_ratio(params.latencies_ms[0], sets, ctx.seed)
        loads = params.loads[index] if params.loads else ()
        together, under_load = agreement(original, loads), is_under_load(original, loads)
        if under_load and together is not None:  # a median tells then how often others had the core
            ratio = Ratio(together.speedup, together.low, together.high)
        summaries.append(
            SpeedSummary(
                latency=summarize(times),
                throughput_per_s=1000 * len(times) / sum(times),
                speedup=ratio.value,
                speedup_low=ratio.low,
                speedup_high=ratio.high,
                set_p50_ms=tuple(float(np.median(one_set)) for one_set in sets if one_set),
                under_load=under_load,
                cpu_speedup=together.cpu_speedup if together is not None else None,
                agreed_low=together.low if together is not None else None,
            )
        )
    return SummarizeResult(summaries=tuple(summaries))


HANDLER = HandlerSpec(kind="summarize", params=SummarizeParams, result=SummarizeResult, run=run)
