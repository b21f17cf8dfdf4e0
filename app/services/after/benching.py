"""Measure one model alone, by batch size."""

from pathlib import Path
from typing import Literal

from app.domain.variant import Variant
from app.services.flow.steps import Done, Flow, JobStep, limits_of_runtime
from app.services.opening.opening import open_model, read_data
from app.services.records.facts import RunFacts
from app.services.run.candidates import TORCH_RUNTIMES, Candidate
from workers.contracts.folder import read_model
from workers.contracts.jobs import BenchParams, BenchResult, DataParams, OpenParams
from workers.contracts.load import Scenario

Engine = Literal["loadgen", "own"]


def bench_model(
    model: OpenParams,
    runtime: str,
    batches: tuple[int, ...],
    scenario: Scenario,
    seconds: float,
    threads: int | None = None,
    engine: Engine = "loadgen",
) -> Flow[BenchResult]:
    """Open it, make inputs, sweep the batch sizes for `seconds` each."""
    opened = yield from open_model(model)
    data = yield from read_data(DataParams(model_dir=str(opened.folder)))
    params = BenchParams(
        model_dir=str(opened.folder),
        data_dir=str(data.folder),
        runtime=runtime,
        settings=read_model(opened.folder).artifact.settings,
        batches=batches,
        scenario=scenario,
        seconds=seconds,
        engine=engine,
    )
    found = yield from _bench(params, threads)
    return found


def bench_version(
    facts: RunFacts,
    variant: Variant,
    batches: tuple[int, ...],
    scenario: Scenario,
    seconds: float,
    threads: int | None = None,
    engine: Engine = "loadgen",
) -> Flow[BenchResult]:
    """A version of a run as it was measured there: its own runtime and settings, on the run's own examples."""
    model_dir = facts.model_dir(variant)
    params = BenchParams(
        model_dir=str(model_dir),
        data_dir=str(facts.data_dir),
        runtime=variant.runtime,
        settings=Candidate(variant, model_dir).settings,
        batches=batches,
        scenario=scenario,
        seconds=seconds,
        engine=engine,
    )
    found = yield from _bench(params, threads or facts.run.goal.threads)
    return found


def _bench(params: BenchParams, threads: int | None) -> Flow[BenchResult]:
    done: Done[BenchResult] = yield JobStep(
        kind="bench",
        params=params,
        result=BenchResult,
        title="Measure",
        read_paths=(Path(params.model_dir), Path(params.data_dir)),
        torch=params.runtime in TORCH_RUNTIMES,
        limits=limits_of_runtime(params.runtime, params.settings),
        threads=threads,
    )
    return done.result
