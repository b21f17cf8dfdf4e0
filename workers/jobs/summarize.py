"""Job kind ``summarize``: compute latency figures and speedups from the times of single requests."""

import math

import numpy as np

from workers.contracts.base import Rows
from workers.contracts.disturbed import is_under_load
from workers.contracts.jobs import SpeedSummary, SummarizeParams
from workers.contracts.process.context import JobContext
from workers.measure.agreeing import agreement
from workers.measure.latency import summarize
from workers.measure.speedup import Speedup, paired, speedups
from workers.measure.undisturbed import undisturbed

SAME = Speedup(1.0, 1.0, 1.0)


def run(params: SummarizeParams, ctx: JobContext) -> Rows[SpeedSummary | None]:
    """Return one summary per variant; None for a variant without times."""
    times, count = params.latencies_ms, len(params.latencies_ms)
    loads = params.loads or ((),) * count
    known = [index for index in range(count) if any(times[0]) and any(times[index])]
    pairs = {i: paired(times[0], times[i], loads[0], loads[i]) for i in known}
    loaded = [i for i in known if i and is_under_load(loads[0], loads[i])]
    walls = {i: math.exp(float(logs.mean())) for i, (logs, _) in pairs.items()}
    calm = {i: found for i in loaded if (found := undisturbed(times[0], times[i], loads[0], loads[i])) is not None}
    pairs |= calm
    rivals = [index for index in pairs if index]
    bounded = speedups([pairs[index][0] for index in rivals], params.family, params.looks)
    ratios = {0: SAME, **dict(zip(rivals, bounded, strict=True))}
    summaries: list[SpeedSummary | None] = []
    for index in range(count):
        ctx.check_cancelled()
        figures = (pairs[index][1], ratios[index]) if index in pairs else None
        summary = _summary(params, index, *figures, is_calm=index in calm) if figures is not None else None
        summaries.append(summary.model_copy(update={"wall_speedup": walls[index]}) if summary is not None else None)
    return Rows(rows=tuple(summaries))


def _summary(params: SummarizeParams, index: int, p90_speedup: float, ratio: Speedup, *, is_calm: bool) -> SpeedSummary:
    original, loads = (params.loads[0], params.loads[index]) if params.loads else ((), ())
    agreed, cpu_speedup = agreement(original, loads) or (None, None)
    under_load = is_under_load(original, loads)
    if is_calm:
        agreed = ratio
    elif under_load and agreed is not None and index:  # a mean would measure how often others had the core
        ratio = agreed
    sets = params.latencies_ms[index]
    all_ms = [value for one_set in sets for value in one_set]
    return SpeedSummary(
        latency=summarize(all_ms),
        throughput_per_s=1000 * len(all_ms) / sum(all_ms),
        speedup=ratio.value,
        speedup_low=ratio.low,
        speedup_high=ratio.high,
        p90_speedup=p90_speedup,
        set_p50_ms=tuple(float(np.median(one_set)) for one_set in sets if one_set),
        under_load=under_load,
        cpu_speedup=cpu_speedup,
        agreed_low=agreed.low if agreed is not None else None,
        undisturbed=is_calm,
    )
