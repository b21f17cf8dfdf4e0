"""kind ``summarize``: figures and speedups from the times of single requests."""

from workers.contracts.context import JobContext
from workers.contracts.jobs import SpeedSummary, SummarizeParams, SummarizeResult
from workers.contracts.techniques import HandlerSpec
from workers.measure.latency import speed_ratio, summarize


def run(params: SummarizeParams, ctx: JobContext) -> SummarizeResult:
    """One summary a contender, None for one that has no times."""
    summaries: list[SpeedSummary | None] = []
    for sets in params.latencies_ms:
        ctx.check_cancelled()
        times = [value for one_set in sets for value in one_set]
        if not times or not any(params.latencies_ms[0]):
            summaries.append(None)
            continue
        ratio = speed_ratio(params.latencies_ms[0], sets, ctx.seed)
        summaries.append(
            SpeedSummary(
                latency=summarize(times),
                throughput_per_s=1000 * len(times) / sum(times),
                speedup=ratio.value,
                speedup_low=ratio.low,
                speedup_high=ratio.high,
            )
        )
    return SummarizeResult(summaries=tuple(summaries))


HANDLER = HandlerSpec(kind="summarize", params=SummarizeParams, result=SummarizeResult, run=run)
