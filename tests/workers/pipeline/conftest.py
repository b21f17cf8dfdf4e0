"""Descriptions of small models, written as the program writes them, and sessions that need no runtime."""

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
def make(tmp_path: Path):
    """Write a pipeline.json from its parts and load it."""

    def build(inputs, preprocess, outputs=None, **more) -> Pipeline:
        spec = PipelineSpec(
            task=more.pop("task", "arrays"),
            inputs=tuple(PipelineInput(**entry) for entry in inputs),
            outputs=tuple(
                PipelineOutput(**entry) for entry in outputs or [{"name": "y", "dtype": "float32", "answer": True}]
            ),
            preprocess=preprocess,
            answer_kind=more.pop("answer_kind", "class"),
            **more,
        )
        write_pipeline(tmp_path, spec)
        return load_pipeline(tmp_path)

    return build
