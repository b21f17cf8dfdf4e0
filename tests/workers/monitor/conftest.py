"""A bundle's folder, a clock that the test sets, and requests of the sample model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from made_traffic import reference_from, sample

from workers.monitor.reference import Reference
from workers.monitor.writing import Log


class Clock:
    """A clock that shows `now_s` (seconds since 1970)."""

    now_s = 1.764e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="package")
def reference() -> Reference:
    """Describe 300 pictures as an export does."""
    clothes = sample()
    return reference_from(clothes.pool(clothes.pictures[:300], clothes.kinds[:300]))


@pytest.fixture
def bundle(tmp_path: Path, reference: Reference) -> Path:
    """Write as much of a bundle as a log reads."""
    folder = tmp_path / "bundle"
    (folder / "monitor").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"title": "Clothes <b>", "run_id": "abc"}))
    (folder / "pipeline.json").write_text(json.dumps({"preprocess": {"kind": "image"}}))
    (folder / "monitor" / "reference.json").write_text(json.dumps(reference.to_json()))
    return folder


@pytest.fixture
def log(tmp_path: Path, bundle: Path, clock: Clock) -> Log:
    """Open a log of the bundle in ``tmp_path/"log"``."""
    return Log(tmp_path / "log", bundle, clock=clock)


@pytest.fixture(scope="package")
def requests() -> Callable[..., None]:
    """Return a function that logs `count` requests of one picture each."""
    clothes = sample()
    feeds, logits = clothes.logits(clothes.pictures[:100])

    def log_requests(log: Log, count: int = 1) -> None:
        for at in range(count):
            log.request(clothes.pipeline, {"picture": feeds[at : at + 1]}, lambda at=at: logits[at : at + 1], 0.004)

    return log_requests
