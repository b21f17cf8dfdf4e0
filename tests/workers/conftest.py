"""Small real models of several kinds, with data, for tests of everything that touches a model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import small_models
import special_models

from workers.contracts.folder import read_model, write_model
from workers.contracts.techniques import Model
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
        return (KINDS[self.kind].item(rng) for _ in range(count))

    def feeds(self) -> Feeds:
        """One complete request: constants and a state of zeros are in it."""
        feeds = next(self.items())
        if self.kind == "stateful":
            feeds = {"frame": feeds["frame"][:1], "state": np.zeros((1, 16), np.float32), "sr": feeds["sr"]}
        return feeds


@pytest.fixture(scope="session")
def make_small(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Small]:
    """`make_small(kind, proto=None)` writes a fresh model folder and a data folder."""

    def make(kind: str, proto: onnx.ModelProto | None = None, items: int = 24) -> Small:
        root = tmp_path_factory.mktemp(kind)
        folder = root / "model"
        folder.mkdir()
        onnx.save_model(proto or KINDS[kind].build(), str(folder / "model.onnx"))
        (folder / "pipeline.json").write_text(KINDS[kind].spec.model_dump_json(), encoding="utf-8")
        (folder / "info.json").write_text("{}", encoding="utf-8")
        write_model(folder, "model.onnx", ["model.onnx"])
        rng = RNG(7)
        for split in ("test", "calibration"):
            write_prepared(root / "data" / split, [KINDS[kind].item(rng) for _ in range(items)])
        return Small(kind, folder, root / "data")

    return make


@pytest.fixture(scope="session", params=["cnn", "transformer", "constants", "stateful"])
def small(request: pytest.FixtureRequest, make_small: Callable[..., Small]) -> Small:
    """Each of the small models; treat its folders as read-only."""
    return make_small(request.param)
