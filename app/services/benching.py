"""Measure one model alone, by batch size."""

from typing import Literal

from app.services.opening import open_model, read_data
from app.services.steps import Done, Flow, JobStep, limits_of_runtime
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
    done: Done[BenchResult] = yield JobStep(
        kind="bench",
        params=BenchParams(
            model_dir=str(opened.folder),
            data_dir=str(data.folder),
            runtime=runtime,
            settings=read_model(opened.folder).artifact.settings,
            batches=batches,
            scenario=scenario,
            seconds=seconds,
            engine=engine,
        ),
        result=BenchResult,
        title="Measure",
        read_paths=(opened.folder, data.folder),
        torch=runtime.startswith("torch"),
        limits=limits_of_runtime(runtime),
        threads=threads,
    )
    return done.result
