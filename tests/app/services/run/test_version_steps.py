"""Test the job steps of a version, and the figures that follow from its times."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from finished_run import finished_space
from play import Like
from staging import Make

from app.domain.variant import Measurement
from app.services.flow.steps import Measured
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, read_facts
from app.services.run.figures import measurement_of, original_times, with_figures
from app.services.run.version_steps import (
    IDLE_S,
    Version,
    judge,
    measured_variant,
    predict,
    prediction_pair,
    stored_version,
    threads_of,
)
from workers.contracts.after.load import MemoryRoof
from workers.contracts.jobs import AnswerParams, JudgeParams, MeasureResult, Speech, SpeedSummary
from workers.contracts.process.allowance import usable_cores
from workers.contracts.specs import LatencySummary


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFacts]:
    spaces: Iterator[Workspace] = finished_space(tmp_path_factory.mktemp("steps"))
    yield read_facts(next(spaces), "r1")
    next(spaces, None)


def with_runtime(facts: RunFacts, runtime: str, **settings: object) -> Version:
    """Return the first version as if it had been made for another runtime."""
    variant = facts.variants[1]
    recipe = variant.recipe.model_copy(update={"settings": settings})
    return stored_version(facts, dataclasses.replace(variant, runtime=runtime, recipe=recipe))


def test_predict_uses_the_settings_of_the_version_and_an_idle_limit(facts: RunFacts) -> None:
    """Given a stored version, When it predicts, Then the step has its settings, reads its model and the examples alone,
    is cached, and has an idle limit."""
    version = with_runtime(facts, "onnxruntime-cpu", graph_optimization="basic")
    step = next(predict(version, facts.data_dir, 2, max_s=3.0))
    assert isinstance(step.params, AnswerParams)
    assert step.params.settings["graph_optimization"] == "basic" and step.params.max_seconds == 3.0
    assert step.read_paths == (version.model_dir, facts.data_dir)
    assert (step.limits.idle_s, step.torch, step.cache, step.threads) == (IDLE_S, False, True, 2)


def test_predict_with_a_compiler_or_a_gpu_has_no_idle_limit(facts: RunFacts) -> None:
    """Given versions for compiled torch and for a GPU, Then their jobs have the rights for that and no idle limit."""
    compiled = next(predict(with_runtime(facts, "torch-cpu", compile=True), facts.data_dir, 1))
    assert compiled.torch and compiled.limits.start_programs and compiled.limits.idle_s is None
    on_gpu = next(predict(with_runtime(facts, "onnxruntime-cuda"), facts.data_dir, 1))
    assert on_gpu.limits.gpu and on_gpu.limits.idle_s is None


def test_judge_reads_all_pairs_and_caches_only_on_request(facts: RunFacts, tmp_path: Path) -> None:
    """Given two folders of examples, Then the verdict covers both, each folder is readable once, and without the cache
    nothing is written."""
    a, b, c = (tmp_path / name for name in "abc")
    pairs = [prediction_pair(facts.data_dir, a, b), prediction_pair(tmp_path, a, c, (4, 5))]
    step = next(judge(pairs, 2.0, "Judge", earlier=1, cache=False))
    assert isinstance(step.params, JudgeParams)
    assert step.params.items is None and [part.items for part in step.params.more] == [(4, 5)]
    assert (step.params.max_loss_pct, step.params.earlier, step.cache) == (2.0, 1, False)
    assert step.read_paths == (facts.data_dir, a, b, tmp_path, c)


def test_measured_variant_has_the_parameters_of_predictions(facts: RunFacts) -> None:
    """Given one version, Then it is measured with the runtime and settings of its predictions."""
    version = stored_version(facts, facts.variants[1])
    measured = measured_variant(version, facts.data_dir, batch=4)
    assert measured.params.batch == 4 and measured.variant_id == version.variant.id
    assert {**version.parameters()}.items() <= measured.params.model_dump().items()
    assert threads_of(facts) == (facts.run.goal.threads or usable_cores())


RESULT = MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=5000, device_ran="cpu")


def summary(mean_ms: float, speedup: float, **more: object) -> SpeedSummary:
    latency = LatencySummary(
        n=40, p50_ms=mean_ms, p90_ms=1.1 * mean_ms, p99_ms=None, max_ms=2 * mean_ms, mean_ms=mean_ms
    )
    known = SpeedSummary(
        latency=latency, throughput_per_s=1000 / mean_ms, speedup=speedup, speedup_low=0.9 * speedup,
        speedup_high=1.1 * speedup,
    )  # fmt: skip
    return known.model_copy(update=more)


def shown(stage: Make, version: SpeedSummary, original_ms: float, all_rounds_ms: float) -> Measurement:
    """Return the figures of a version that took part in some rounds, in which the original took `original_ms`."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)})
    one.go()
    variant, original = one.variants["A"], next(v for v in one.variants.values() if v.is_baseline)
    known = dataclasses.replace(original.measurement, latency_mean_ms=all_rounds_ms)
    times = original_times(summary(original_ms, 1.0), dataclasses.replace(original, measurement=known))
    measured = Measured(((2.0,),) * 2, ((RESULT,),) * 2, (None, None), 0.0, 1.0)
    made = with_figures(variant, measured, 1, version, interleaved=True, anew=True, original_ms=times)
    return made.measurement


def test_share_of_memory_is_that_of_the_middle_set() -> None:
    """Given three sets of a language model, Then its share is the median of theirs; other models have none."""
    rows = tuple(Speech(prompt_tokens=n, first_ms=9, tokens_per_s=speed, n=3) for n, speed in ((8, 40.0), (32, 60.0)))
    sets = tuple(
        RESULT.model_copy(update={"speech": rows, "roof": MemoryRoof(token_bytes=10, read_bytes_per_s=read)})
        for read in (500.0, 1000.0, 2000.0)
    )
    made = [measurement_of(summary(4.0, 1.0), results, 3, None, True) for results in (sets, (RESULT,) * 3)]
    assert [one.memory_share for one in made] == [0.5, None]


@pytest.mark.parametrize(("original_ms", "all_rounds_ms"), [(60.0, 60.0), (60.0, 30.0)])
def test_figures_of_some_rounds_follow_from_the_original_that_is_shown(
    stage: Make, original_ms: float, all_rounds_ms: float
) -> None:
    """Given a version twice as fast in its rounds, whose mean over all requests suggests 2.05, Then its time times its
    speedup is the displayed time of the original."""
    found = shown(stage, summary(29.2, 2.0), original_ms, all_rounds_ms)
    assert found.speedup == 2.0 and found.latency_mean_ms is not None
    assert found.latency_mean_ms * found.speedup == pytest.approx(all_rounds_ms)
    assert found.latency_p90_ms == pytest.approx(1.1 * found.latency_mean_ms)
    assert found.throughput_per_s == pytest.approx(1000 / found.latency_mean_ms)


def test_figures_under_load_keep_the_clock_and_a_bound(stage: Make) -> None:
    """Given other programs, Then the times are wall times, and the speedup is the bound on which all comparisons agree,
    which the two times do not contradict."""
    found = shown(stage, summary(29.2, 1.7, under_load=True, agreed_low=1.55), 60.0, 60.0)
    assert found.latency_mean_ms == pytest.approx(29.2) and found.shown_speedup == 1.55
    assert found.shown_speedup < 60.0 / found.latency_mean_ms


def test_figures_of_a_whole_run_agree(stage: Make) -> None:
    """Given three versions of which one was measured in a later round, Then each speedup is the original's time over
    the version's."""
    likes = {"A": Like(p50_ms=2.0), "B": Like(p50_ms=1.0, agreement=0.995), "C": Like(p50_ms=3.9, final_p50_ms=0.5)}
    one = stage(Like(p50_ms=4), likes, time_budget_s=300)
    one.go()
    original = next(v for v in one.variants.values() if v.is_baseline).measurement.latency_mean_ms
    side_by_side = [v.measurement for v in one.variants.values() if v.is_side_by_side and not v.is_baseline]
    assert original is not None and len(side_by_side) >= 2
    for measurement in side_by_side:
        assert measurement.speedup == pytest.approx(original / measurement.latency_mean_ms)
