"""Small real models of several kinds, with data, for tests of everything that touches a model."""

import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import small_models
import special_models
import tiny_llama

from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.contracts.techniques import Model
from workers.model_io.opening import open_model
from workers.pipeline.prepared import write_prepared
from workers.runtime.recording import RecordingContext

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


@pytest.fixture(scope="session")
def tiny_chat(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A tiny language model in the inner form, opened when it is first wanted; treat it as read-only."""

    @functools.cache
    def opened() -> Path:
        root = tmp_path_factory.mktemp("tiny-chat")
        tiny_llama.write_tiny_llama(root / "tiny")
        (root / "job").mkdir()
        open_model(OpenParams(path=str(root / "tiny")), RecordingContext(work_dir=root / "job"))
        return root / "job" / "model"

    return opened


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


@pytest.fixture(scope="session", params=["cnn", "transformer", "constants", "stateful"])
def small(request: pytest.FixtureRequest, make_small: Callable[..., Small]) -> Small:
    """Each of the small models; treat its folders as read-only."""
    return make_small(request.param)
