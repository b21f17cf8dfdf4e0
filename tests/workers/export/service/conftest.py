"""Service bundles of small models, and one running server for many tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from served_bundles import KEY, Served, export_params, item_of, running, write_bundle


@pytest.fixture(scope="session")
def make_bundle(make_small, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`make_bundle(kind, knee=None)` writes an unpacked service bundle."""

    def make(kind: str, knee: int | None = None, **facts: object) -> Path:
        small = make_small(kind)
        artifact = small.model.artifact
        params = export_params(small, knee, (artifact.runtimes or ("onnxruntime-cpu",))[0])
        params = params.model_copy(update={"settings": artifact.settings})
        return write_bundle(params, tmp_path_factory.mktemp("service"), **facts)

    return make


@pytest.fixture(scope="session")
def cnn_bundle(make_bundle) -> Path:
    """Pictures as arrays, answered up to four at once."""
    return make_bundle("cnn", knee=4)


@pytest.fixture(scope="session")
def item(cnn_bundle: Path) -> tuple[str, np.ndarray]:
    return item_of(cnn_bundle)


@pytest.fixture(scope="session")
def served(cnn_bundle: Path) -> Iterator[Served]:
    """One server for many tests; it must be as alive at the end as it was at the start."""
    with running(cnn_bundle) as found:
        yield found


@pytest.fixture(scope="session")
def uncached(cnn_bundle: Path) -> Iterator[Served]:
    """One server that computes each request; tests leave it with the bundle that it began with."""
    with running(cnn_bundle, "--cache-mb", "0") as found:
        yield found
    assert not found.secret_file.exists()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key.txt"
    path.write_text(f"{KEY}\n")
    return path
