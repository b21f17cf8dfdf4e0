"""The job steps of a version, as they are asked for: settings, limits, what may be read. No process is started."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from finished_run import copied_space, finished_folder

from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, read_facts
from app.services.run.version_steps import (
    IDLE_S,
    MeasuredPair,
    Version,
    judge,
    measured_variant,
    predict,
    stored_version,
    threads_of,
)
from workers.contracts.jobs import AnswerParams, JudgeParams
from workers.contracts.process.allowance import usable_cores


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFacts]:
    root = finished_folder(tmp_path_factory.mktemp("steps"))
    spaces: Iterator[Workspace] = copied_space(root, tmp_path_factory.mktemp("copy"))
    yield read_facts(next(spaces), "r1")
    next(spaces, None)


def with_runtime(facts: RunFacts, runtime: str, **settings: object) -> Version:
    """The first version, as if it had been made for another runtime."""
    variant = facts.variants[1]
    recipe = variant.recipe.model_copy(update={"settings": settings})
    return stored_version(facts, dataclasses.replace(variant, runtime=runtime, recipe=recipe))


def test_predicting_asks_for_the_versions_own_settings_and_ends_what_hangs(facts: RunFacts) -> None:
    """Given a stored version, When its predictions are asked for, Then the step has its settings, reads its model and
    the examples alone, is kept, and ends a runtime that does nothing."""
    version = with_runtime(facts, "onnxruntime-cpu", graph_optimization="basic")
    step = next(predict(version, facts.data_dir, 2, max_s=3.0))
    assert isinstance(step.params, AnswerParams)
    assert step.params.settings["graph_optimization"] == "basic" and step.params.max_seconds == 3.0
    assert step.read_paths == (version.model_dir, facts.data_dir)
    assert (step.limits.idle_s, step.torch, step.cache, step.threads) == (IDLE_S, False, True, 2)


def test_who_waits_for_a_compiler_or_a_gpu_is_not_taken_for_hanging(facts: RunFacts) -> None:
    """Given versions for compiled torch and for a GPU, Then their jobs may do so, and are not ended for being idle."""
    compiled = next(predict(with_runtime(facts, "torch-cpu", compile=True), facts.data_dir, 1))
    assert compiled.torch and compiled.limits.start_programs and compiled.limits.idle_s is None
    on_gpu = next(predict(with_runtime(facts, "onnxruntime-cuda"), facts.data_dir, 1))
    assert on_gpu.limits.gpu and on_gpu.limits.idle_s is None


def test_a_verdict_reads_all_pairs_and_writes_only_if_it_may(facts: RunFacts, tmp_path: Path) -> None:
    """Given two folders of examples, Then the verdict is over both, each folder may be read once, and without the cache
    nothing is written."""
    a, b, c = (tmp_path / name for name in "abc")
    pairs = [MeasuredPair(facts.data_dir, a, b), MeasuredPair(tmp_path, a, c, (4, 5))]
    step = next(judge(pairs, 2.0, "Judge", earlier=1, cache=False))
    assert isinstance(step.params, JudgeParams)
    assert step.params.items is None and [part.items for part in step.params.more] == [(4, 5)]
    assert (step.params.max_loss_pct, step.params.earlier, step.cache) == (2.0, 1, False)
    assert step.read_paths == (facts.data_dir, a, b, tmp_path, c)


def test_measured_and_predicted_alike(facts: RunFacts) -> None:
    """Given one version, Then it is measured with the runtime and settings that its predictions were made with."""
    version = stored_version(facts, facts.variants[1])
    measured = measured_variant(version, facts.data_dir, batch=4)
    assert measured.params.batch == 4 and measured.variant_id == version.variant.id
    assert {**version.parameters()}.items() <= measured.params.model_dump().items()
    assert threads_of(facts) == (facts.run.goal.threads or usable_cores())
