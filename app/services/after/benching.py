"""Measure one model alone, by batch size."""

from pathlib import Path
from typing import Any

from app.domain.variant import Variant
from app.services.flow.steps import Flow
from app.services.opening.opening import open_model, read_data, runtime_of
from app.services.records.facts import RunFacts
from app.services.run.version_steps import Version, opened_version, stored_version
from workers.contracts.after.load import Scenario
from workers.contracts.jobs import BenchParams, BenchResult, DataParams, OpenParams
from workers.contracts.translation import _, mark
from workers.contracts.wording import in_ms


def bench_model(
    model: OpenParams,
    runtime: str | None,
    batches: tuple[int, ...],
    scenario: Scenario,
    seconds: float,
    threads: int | None = None,
) -> Flow[BenchResult]:
    """Open a model, make inputs, and measure each batch size for `seconds`; the default runtime is the model's own."""
    opened = yield from open_model(model)
    data = yield from read_data(DataParams(model_dir=str(opened.folder)))
    runtime = runtime or runtime_of(opened)
    version = opened_version(opened, "Measure", runtime)
    return (yield from _bench(version, data.folder, threads, batches=batches, scenario=scenario, seconds=seconds))


def bench_version(
    facts: RunFacts,
    variant: Variant,
    batches: tuple[int, ...],
    scenario: Scenario,
    seconds: float,
    threads: int | None = None,
) -> Flow[BenchResult]:
    """Measure a version of a run with its own runtime and settings, on the run's examples."""
    version, threads = stored_version(facts, variant), threads or facts.run.goal.threads
    return (yield from _bench(version, facts.data_dir, threads, batches=batches, scenario=scenario, seconds=seconds))


def _bench(version: Version, data_dir: Path, threads: int | None, **how: Any) -> Flow[BenchResult]:
    params = BenchParams(**version.parameters(), data_dir=str(data_dir), **how)
    step = version.step("bench", params, BenchResult, data_dir, title="Measure", threads=threads, fresh_process=True)
    return (yield from step.run()).result


def conclusion(result: BenchResult) -> str:
    """Return the last sentence about a benchmark: why it is not valid, the best batch size, or the throughput."""
    refused = [point for point in result.points if not point.valid]
    if refused:
        reason = _(refused[0].reasons[0] if refused[0].reasons else mark("LoadGen gives no reason"))
        text = _("This is not valid by LoadGen's rules: {2}")
        if len(result.points) > 1:
            text = _("{0} of {1} measurements are not valid by LoadGen's rules: {2}")
        return text.format(len(refused), len(result.points), reason)
    if len(result.points) > 1:
        return _("Batch {0} is the smallest that gives 95 % of the best throughput.").format(result.knee_batch)
    point = result.points[0]
    return _("{0:.1f} predictions per second; 90 % take at most {1}.").format(
        point.throughput_per_s, in_ms(point.latency.p90_ms)
    )
