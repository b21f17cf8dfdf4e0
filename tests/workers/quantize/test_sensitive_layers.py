"""Which layers keep their numbers: the ranking by measured cost, and the search for the fewest."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trap_models as traps
from recording import RecordingContext

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.convert.inference import engines
from workers.quantize import int8_mixed, qdq, switches
from workers.quantize.calibrating import layer_times, sensitivity
from workers.quantize.calibrating.similarity import Alike, expected_agreement
from workers.quantize.learning.layers import PAIR, QuantizedGraph, keep, round_layers_only


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
    assert len(requested) <= 1 + math.log2(16)


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


def layer(name: str, cost: float, ms: float, ms_8: float) -> sensitivity.Layer:
    return sensitivity.Layer(name, cost, ms, ms_8)


def test_how_many_may_stay_follows_the_time_that_they_save() -> None:
    layers = [layer(name, 1.0, 1.0, 1.0 - saved) for name, saved in (("a", 0.2), ("b", 0.3), ("c", 0.5))]
    assert [sensitivity.most_unquantized(layers, share) for share in (0.1, 0.2, 0.5, 1.0)] == [0, 1, 2, 3]


def test_layers_are_ranked_by_error_for_each_saved_millisecond() -> None:
    """Given equal errors, Then the layer that 8 bits make slower is kept first, and the one that saves most last."""
    layers = [layer("most", 1e-3, 2.0, 1.0), layer("slower", 1e-3, 1.0, 1.2), layer("little", 1e-3, 1.0, 0.8)]
    assert [one.name for one in sensitivity.ranked(layers)] == ["slower", "little", "most"]
    exact = sensitivity.ranked([*layers, layer("worse", 2e-2, 2.0, 1.0)])
    assert [one.name for one in exact] == ["slower", "worse", "little", "most"]


@pytest.fixture
def quantized(make_small: Any, tmp_path: Path) -> tuple[Any, Any, QuantizedGraph]:
    """A small CNN, its prepared graph, and the layers of its quantized graph, which alone read rounded values."""
    small = make_small("cnn")
    target, ctx = tmp_path / "all.onnx", RecordingContext(tmp_path, data_dir=small.data)
    with qdq.prepared(small.model.main, tmp_path, "T", ctx) as prepared:
        reader = qdq.requests(small.model, ctx, 8)
        qdq.quantize(prepared, target, reader, qdq.RangeParams(), int8_mixed.SCOPE, ctx)
        original = onnx_files.load(prepared.path)
    graph = QuantizedGraph(qdq.load_named(target), with_sums=False)
    round_layers_only(graph.proto, graph.layers)
    return small, original, graph


def run(proto: Any, small: Any, path: Path, layer: int | None = None) -> np.ndarray:
    """All outputs of a model for 4 inputs, with this layer of a switchable one in 8 bits."""
    onnx_files.save(onnx_files.copied(proto), path)
    session = engines.open_file(path, small.model, "onnxruntime-cpu", 1)
    if layer is not None:
        session = sensitivity.ChosenLayer(session)
        session.layer = layer
    return np.concatenate([next(iter(session.run(feeds).values())) for feeds in small.items(4)])


def test_a_switched_layer_answers_as_the_model_that_keeps_all_others(quantized: Any, tmp_path: Path) -> None:
    """Given a switchable model, Then no chosen layer gives the original's answers, and each one those of its file."""
    small, original, graph = quantized
    names = list(graph.layers)
    switchable = onnx_files.copied(graph.proto)
    switches.add_switches(switchable, original, names)
    wanted = run(original, small, tmp_path / "original.onnx")
    assert np.allclose(run(switchable, small, tmp_path / "s.onnx", sensitivity.NONE), wanted, atol=1e-6)
    for number in range(len(names)):
        alone = onnx_files.copied(graph.proto)
        keep(alone, original, set(names) - {names[number]})
        by_file = run(alone, small, tmp_path / "alone.onnx")
        assert np.allclose(run(switchable, small, tmp_path / "s.onnx", number), by_file, atol=1e-6)
        assert np.abs(by_file - wanted).max() > 1e-5


def test_only_layers_in_8_bits_read_rounded_values(quantized: Any) -> None:
    """Given a kept layer, Then no pair is left for it, it has its own weights, and pairs go to the other layers alone."""
    _, original, graph = quantized
    kept, *others = graph.layers
    keep(graph.proto, original, {kept})
    made = {name: node for node in graph.proto.graph.node for name in node.output}
    rounded = {
        node.name
        for node in graph.proto.graph.node
        if node.op_type not in PAIR
        and any(name in made and made[name].op_type == "DequantizeLinear" for name in node.input)
    }
    assert rounded == set(others)
    weights = {tensor.name: tensor.raw_data for tensor in graph.proto.graph.initializer}
    before = {tensor.name: tensor.raw_data for tensor in original.graph.initializer}
    names = next(node.input[1] for node in graph.proto.graph.node if node.name == kept)
    assert weights[names] == before[next(node.input[1] for node in original.graph.node if node.name == kept)]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime-cpu"])
def test_each_layer_is_timed_in_both_forms(engine: str, quantized: Any, tmp_path: Path) -> None:
    """Given both files of a model, Then each of its layers has a time in both of them."""
    small, original, graph = quantized
    files = tmp_path / "prepared.onnx", tmp_path / "all.onnx"
    for proto, file in zip((original, graph.proto), files, strict=True):
        onnx_files.save(proto, file)
    nodes = [node for node in original.graph.node if node.name in graph.layers]
    ctx = RecordingContext(tmp_path)
    for times in layer_times.times_ms(files, engine, {}, next(iter(small.items(1))), nodes, ctx):
        assert times.keys() == graph.layers.keys() and min(times.values()) > 0


def test_too_sensitive_model_is_refused_with_both_figures(tmp_path: Path) -> None:
    """Given a layer with one meaningless input value of thousands, When no layer may keep 32 bits, Then the error states
    the reached and the required agreement, and no file is left."""
    learn = [{"x": row[None]} for row in traps.draw(60, 42)[0]]
    exploding = traps.make_trap(tmp_path / "trap", traps.build_classifier(3e3), traps.CLASSIFIER, [], learn)
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
