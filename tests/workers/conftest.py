"""Small real models of several kinds, with data, for tests of everything that touches a model."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import small_models
import special_models
import tiny_llama
from made_once import made_once
from recording import RecordingContext

from workers.contracts.errors import WorkerError
from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.contracts.techniques import Model, TechniqueSpec
from workers.model_io.opening import open_model
from workers.pipeline.prepared import write_prepared

KINDS = {**small_models.KINDS, **special_models.SPECIAL}
Feeds = small_models.Feeds
RNG = np.random.default_rng


@dataclass(frozen=True)
class Small:
    """A small model's folder and a data folder with its test and calibration items."""

    kind: str
    folder: Path
    data: Path

    @property
    def model(self) -> Model:
        return read_model(self.folder)

    def items(self, count: int = 4) -> Iterator[Feeds]:
        rng = RNG(99)
        if self.kind == "chat":
            return iter(tiny_llama.items(count))
        return (KINDS[self.kind].item(rng) for _ in range(count))

    def feeds(self) -> Feeds:
        """One complete request: constants and a state of zeros are in it."""
        feeds = next(self.items())
        if self.kind == "stateful":
            feeds = {"frame": feeds["frame"][:1], "state": np.zeros((1, 16), np.float32), "sr": feeds["sr"]}
        return feeds

    def error_of(self, version: Model, runtime: str = "onnxruntime-cpu", count: int = 4) -> float:
        """The largest error of a version's first output in one request, relative to the original's largest value."""
        items = list(self.items(count))
        before, after = (
            [next(iter(outputs.values())) for outputs in small_models.predictions(folder, engine, *items)]
            for folder, engine in ((self.folder, "onnxruntime-cpu"), (version.folder, runtime))
        )
        return max(float(np.abs(new - old).max() / np.abs(old).max()) for old, new in zip(before, after, strict=True))


@pytest.fixture(scope="session")
def tiny_chat() -> Callable[[], Path]:
    """A tiny language model in the inner form, opened when it is first wanted; treat it as read-only."""

    def opened(root: Path) -> None:
        tiny_llama.write_tiny_llama(root / "tiny")
        (root / "job").mkdir()
        open_model(OpenParams(path=str(root / "tiny")), RecordingContext(work_dir=root / "job"))

    return lambda: made_once("tiny chat", opened) / "job" / "model"


@pytest.fixture(scope="session")
def make_small(tmp_path_factory: pytest.TempPathFactory, tiny_chat: Callable[[], Path]) -> Callable[..., Small]:
    """`make_small(kind, proto=None)` writes a fresh model folder and a data folder."""

    def make(kind: str, proto: onnx.ModelProto | None = None, items: int = 24) -> Small:
        root = tmp_path_factory.mktemp(kind)
        folder = root / "model"
        if kind == "chat":
            shutil.copytree(tiny_chat(), folder)
            for split in ("test", "calibration"):
                write_prepared(root / "data" / split, tiny_llama.items(items))
            return Small(kind, folder, root / "data")
        small_models.write_folder(folder, proto or KINDS[kind].build(), KINDS[kind].spec)
        rng = RNG(7)
        for split in ("test", "calibration"):
            write_prepared(root / "data" / split, [KINDS[kind].item(rng) for _ in range(items)])
        return Small(kind, folder, root / "data")

    return make


@pytest.fixture
def apply(tmp_path: Path) -> Callable[..., Model]:
    """`apply(technique, small, **params)` applies a technique to a small model and returns the version.

    `source` is the model that the technique gets where that is another version; `with_data=False` gives no data.
    """

    def run(
        technique: TechniqueSpec, small: Small, source: Model | None = None, *, with_data: bool = True, **params: Any
    ) -> Model:
        work = Path(tempfile.mkdtemp(dir=tmp_path))
        ctx = RecordingContext(work, data_dir=small.data if with_data else None, original=small.folder)
        try:
            technique.apply(source or small.model, technique.params(**params), ctx)
        except WorkerError:
            assert list(work.iterdir()) == []
            raise
        return read_model(work / "model")

    return run


@pytest.fixture(scope="session", params=["cnn", "transformer", "constants", "stateful"])
def small(request: pytest.FixtureRequest, make_small: Callable[..., Small]) -> Small:
    """Each of the small models; treat its folders as read-only."""
    return make_small(request.param)
