"""Open two small models as the program does and run the job ``explain`` on them."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import RecordingContext

from workers.contracts.after.changes import ExplainParams, ExplainResult
from workers.contracts.jobs import OpenParams
from workers.contracts.specs import RunParams
from workers.model_io.opening import open_model
from workers.runtime.kinds import load_job

Explain = Callable[..., ExplainResult]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunParams]:
    """Open a model; the same one with the same data is opened once for all tests of the module."""

    @functools.cache
    def run(path: Path, data: Path, preprocess: str | None) -> RunParams:
        work = tmp_path_factory.mktemp("opened")
        params = OpenParams(path=str(path), data_path=str(data), to_prove=True, preprocess=preprocess)
        result = open_model(params, RecordingContext(work))
        return RunParams(model_dir=str(work / result.model_dir), runtime=result.runtime)

    return run


@pytest.fixture
def explain(tmp_path: Path, opened: Callable[..., RunParams]) -> Explain:
    def run(first: Path, other: Path, data: Path, most: int = 24, preprocess: str | None = None) -> ExplainResult:
        is_model = other.suffix in (".onnx", "")
        work = tmp_path / "work"
        params = ExplainParams(
            first=opened(first, data, preprocess),
            second=opened(other, data, None) if is_model else None,
            expected=None if is_model else str(other),
            data_path=str(data),
            max_items=most,
        )
        work.mkdir()
        result = load_job("explain").run(params, RecordingContext(work))
        assert isinstance(result, ExplainResult)
        return result

    return run
