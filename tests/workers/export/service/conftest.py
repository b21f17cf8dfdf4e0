"""Service bundles of small models, and one running server that many tests ask."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_bundles import KEY, Served, export_params, start, stop

from workers.export.python_folder import Contents, fill
from workers.export.service.target import COMMANDS, NEEDS, server_files, serving
from workers.measure.opening import find_runtime
from workers.runtime.recording import RecordingContext


@pytest.fixture(scope="session")
def make_bundle(make_small, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`make_bundle(kind, knee=None)` writes an unpacked service bundle."""

    def make(kind: str, knee: int | None = None, **facts: object) -> Path:
        small, root = make_small(kind), tmp_path_factory.mktemp("service")
        folder = root / "bundle"
        folder.mkdir()
        artifact = small.model.artifact
        params = export_params(small, knee, (artifact.runtimes or ("onnxruntime-cpu",))[0])
        params = params.model_copy(update={"settings": artifact.settings})
        described = {"serving": {**serving(params), **facts}}
        runtime = find_runtime(params.runtime)
        fill(
            folder,
            params,
            runtime,
            RecordingContext(root / "work"),
            Contents(COMMANDS, server_files(), NEEDS, described),
        )
        return folder

    return make


@pytest.fixture(scope="session")
def cnn_bundle(make_bundle) -> Path:
    """Pictures as arrays, answered up to four at once."""
    return make_bundle("cnn", knee=4)


@pytest.fixture(scope="session")
def served(cnn_bundle: Path) -> Iterator[Served]:
    """One server for many tests; it must be as alive at the end as it was at the start."""
    running = start(cnn_bundle)
    yield running
    code, said = stop(running)
    assert code == 0, said


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key.txt"
    path.write_text(f"{KEY}\n")
    return path
