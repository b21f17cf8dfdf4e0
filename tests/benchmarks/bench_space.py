"""An own data folder with the sample opened in it, for benchmarks that measure without the program around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.jobs.pool import WorkerPool
from app.paths import DataPaths
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from presets.sample import sample_paths
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.process.allowance import usable_cores


@contextmanager
def bench_space(folder: Path) -> Iterator[Workspace]:
    """Its processes end with the block."""
    paths = DataPaths(folder)
    with open_store(paths) as store:
        pool = WorkerPool(paths.jobs, logs_dir=paths.logs, store=paths.store, threads=usable_cores())
        yield Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store)
        pool.close()


def opened_sample() -> Flow[tuple[OpenedModel, ReadData]]:
    """The built-in model and its pictures."""
    sample = sample_paths()
    model = yield from open_model(OpenParams(path=str(sample.model)))
    data = yield from read_data(DataParams(model_dir=str(model.folder), path=str(sample.data)))
    return model, data
