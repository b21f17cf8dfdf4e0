"""Which layers keep their numbers: the ranking by measured cost, and the search for the fewest."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trap_models as traps
from recording import RecordingContext

from workers.contracts.errors import InputRefused
from workers.convert.inference import engines
from workers.quantize import int8_mixed, qdq, switches
from workers.quantize.calibrating import sensitivity, similarity
from workers.quantize.calibrating.similarity import Alike, expected_agreement


def items(x: np.ndarray) -> list[dict[str, np.ndarray]]:
    return [{"x": row[None]} for row in x]


@pytest.fixture
def exploding(tmp_path: Path) -> traps.Trap:
    """A classifier whose second layer reads one value of thousands that means nothing."""
    x, labels = traps.draw(50, 41)
    learn = items(traps.draw(60, 42)[0])
    return traps.make_trap(tmp_path / "trap", traps.build_classifier(3e3), traps.CLASSIFIER, items(x), learn, labels)


def alike(agreement: float) -> Alike:
    return Alike(agreement, agreement, 1.0, 20)


@pytest.mark.parametrize("needed", [1, 3, 7, 16])
def test_fewest_finds_the_layers_with_few_evaluations(needed: int, tmp_path: Path) -> None:
    """Given 16 layers of which the first ones must stay, Then exactly these are kept, by bisection."""
    requested: list[int] = []

    def evaluate(kept: Any) -> Alike:
        requested.append(len(kept))
        return alike(1.0 if len(kept) >= needed else 0.5)

    names = [f"layer{number}" for number in range(16)]
    ctx = RecordingContext(tmp_path)
    found = sensitivity.fewest(names, 16, evaluate, lambda one: one.agreement == 1.0, lambda: False, ctx)
    assert isinstance(found, sensitivity.SensitiveLayers)
    assert found.kept == tuple(names[:needed]) and not found.stopped
    assert found.evaluations == len(requested) <= 1 + math.log2(16)


def test_fewest_without_a_solution_evaluates_once(tmp_path: Path) -> None:
    found = sensitivity.fewest(
        ["a", "b"], 1, lambda kept: alike(0.4), lambda one: False, lambda: False, RecordingContext(tmp_path)
    )
    assert found == alike(0.4)


def test_fewest_without_time_keeps_all_allowed_layers(tmp_path: Path) -> None:
    """Given no time after the first evaluation, Then all that may stay are kept, and the result is marked as stopped."""
    found = sensitivity.fewest(
        list("abcd"), 4, lambda kept: alike(1.0), lambda one: True, lambda: True, RecordingContext(tmp_path)
    )
    assert isinstance(found, sensitivity.SensitiveLayers)
    assert found.kept == ("a", "b", "c", "d") and found.stopped


def test_how_many_may_stay_follows_their_work() -> None:
    layers = [sensitivity.Layer(name, 1.0, work) for name, work in (("a", 0.2), ("b", 0.25), ("c", 0.5))]
    assert [sensitivity.most_unquantized(layers, share) for share in (0.1, 0.2, 0.5, 1.0)] == [0, 1, 2, 3]


def test_the_layer_with_the_exploding_range_costs_most(exploding: traps.Trap, tmp_path: Path) -> None:
    """Given that model, Then each layer alone in 8 bits is measured, and the one with the large input comes first."""
    ctx = RecordingContext(tmp_path, data_dir=exploding.data)
    model, params = exploding.model, int8_mixed.Params()
    prepared = tmp_path / "prepared.onnx"
    large = qdq.prepare(model.main, prepared, "T", ctx)
    ranges = qdq.learn_ranges(prepared, qdq.requests(model, ctx, 32), qdq.RangeParams(), int8_mixed.SCOPE, large)
    held = similarity.hold(model, list(ctx.calibration(8)), ctx)

    def open_file(path: Path) -> Any:
        return engines.open_file(path, model, "onnxruntime-cpu", 1)

    ranked = sensitivity.rank(prepared, ranges, params, held, open_file, ctx)
    assert len(ranked) == 4 and "layer1" in ranked[0].name
    assert ranked[0].cost > 100 * ranked[1].cost
    assert sum(layer.work for layer in ranked) == pytest.approx(1)
    session = switches.ChosenLayer(open_file(tmp_path / "switches.onnx"))
    assert held.error(held.predict(session)) < 1e-9, "with none chosen it answers as the original"
    session.close()


def test_too_sensitive_model_is_refused_with_both_figures(exploding: traps.Trap, tmp_path: Path) -> None:
    """Given that no layer may stay, Then the error has both figures, and nothing is left."""
    (tmp_path / "job").mkdir()
    ctx = RecordingContext(tmp_path / "job", data_dir=exploding.data)
    with pytest.raises(InputRefused, match=r"99\.0 % are wanted") as caught:
        int8_mixed.apply(exploding.model, int8_mixed.Params(method="minmax", max_kept=0), ctx)
    assert "0 of 4 layers" in caught.value.detail and "16-bit" in caught.value.hint
    assert list((tmp_path / "job").iterdir()) == []


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.5])
def test_expected_agreement_is_near_the_count_of_many_inputs(noise: float) -> None:
    """Given scores with errors of a size, Then 40 rows are within .05 of the count of 20,000 rows."""
    rng = np.random.default_rng(3)
    old = rng.normal(0, 2, (20000, 5)).astype(np.float32)
    new = old + rng.normal(0, noise, old.shape).astype(np.float32)
    counted = float((old.argmax(axis=1) == new.argmax(axis=1)).mean())
    few = [expected_agreement(old[start : start + 40], new[start : start + 40]) for start in range(0, 400, 40)]
    assert abs(np.mean(few) - counted) < 0.03
    assert max(abs(one - counted) for one in few) < 0.12
    assert expected_agreement(old[:40], old[:40]) == 1.0
