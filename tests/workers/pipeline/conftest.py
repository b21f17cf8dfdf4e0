"""Provide descriptions of small models, written as the program writes them, and sessions that need no runtime."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from workers.contracts.pipeline import write_pipeline
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec


class FakeSession:
    """Answers by a plain function and counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, []

    def run(self, feeds):
        self.calls.append({name: np.array(value) for name, value in feeds.items()})
        return self.function(feeds)


@pytest.fixture
def session():
    return FakeSession


@pytest.fixture
def within() -> Callable[[int], AbstractContextManager[None]]:
    """Return a context that fails where its block takes more of Python's memory than so many bytes."""

    @contextmanager
    def check(size_bytes: int) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            assert tracemalloc.get_traced_memory()[1] < size_bytes
        finally:
            tracemalloc.stop()

    return check


@pytest.fixture
def make(tmp_path: Path):
    """Write a pipeline.json from its parts and load it."""

    def build(inputs, preprocess, outputs=None, **more) -> Pipeline:
        outputs = outputs or [{"name": "y", "dtype": "float32", "answer": True}]
        entries = {"inputs": tuple(PipelineInput(**entry) for entry in inputs)}
        entries["outputs"] = tuple(PipelineOutput(**entry) for entry in outputs)
        spec = PipelineSpec(preprocess=preprocess, **{"task": "arrays", "answer_kind": "class", **entries, **more})
        write_pipeline(tmp_path, spec)
        return load_pipeline(tmp_path)

    return build
