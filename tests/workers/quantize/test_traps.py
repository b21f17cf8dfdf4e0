"""Recipes that look good and are not: each is noticed, explained and never recommended.

The models are real, the verdicts are those of the job `judge`, and `choose` decides as it does in a run. Each variant
counts as twice as fast as the original: only its answers can stop it.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import trap_models as traps
from onnx import numpy_helper
from recording import RecordingContext
from small_models import RNG, floats, model_of, nodes_of, predictions
from technique_cases import narrow
from trap_models import Trap

from app.domain.choose import choose
from app.domain.variant import Measurement, Variant
from app.domain.words.results import why_not
from workers.contracts.specs import Judgement, Recipe
from workers.measure.opening import open_session
from workers.quantize import fp16, int8_mixed, int8_static, nncf_int8

TWICE = Measurement(latency_p50_ms=1.0, speedup=2.0, speedup_low=1.9, speedup_high=2.1)
NOISE = RNG(45).normal(0, 0.02, (64, traps.WIDTHS[0])).astype(np.float32)
LIKE_THE_TEST = traps.draw(64, 42)[0]


def items(x: np.ndarray) -> list[dict[str, np.ndarray]]:
    return [{"x": row[None]} for row in x]


def classifier(root: Path, calibration: np.ndarray, explode: float = 0.0) -> Trap:
    """The learned classifier with 500 labelled test items and these calibration inputs."""
    x, labels = traps.draw(500, 41)
    proto = traps.build_classifier(explode)
    return traps.make_trap(root, proto, traps.CLASSIFIER, items(x), items(calibration), labels)


def variant(judgement: Judgement) -> Variant:
    return Variant(
        id="v", run_id="r", index=1, title="V", recipe=Recipe(title="V"), runtime="onnxruntime-cpu", precision="int8",
        state="confirmed", measurement=TWICE, judgement=judgement,
    )  # fmt: skip


def quantized(trap: Trap, technique: Any, folder: Path, **params: Any) -> tuple[tuple[str, ...], Judgement]:
    """(the technique's notes, the verdict in ONNX Runtime)."""
    folder.mkdir()
    artifact = technique.apply(trap.model, technique.Params(**params), RecordingContext(folder, data_dir=trap.data))
    return artifact.notes, trap.judged(folder, open_session(folder / "model", "onnxruntime-cpu", {}, 1))


def assert_noticed(judgement: Judgement) -> None:
    """Beyond the limit, with notes, and not recommended however fast it is."""
    assert judgement.verdict == "regressed"
    assert any("wrong now" in note for note in judgement.notes)
    assert why_not(variant(judgement), 1.0) == "Beyond your limit of 1 %"
    assert choose([variant(judgement)])[0] is None


def one_sided(notes: tuple[str, ...]) -> bool:
    return any("the same answer" in note for note in notes)


TECHNIQUES = [int8_static, int8_mixed, nncf_int8]


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_good_calibration_is_no_trap(technique: Any, tmp_path: Path) -> None:
    """Given calibration inputs like the test's, Then INT8 is proven safe and recommended: the traps make the rest."""
    notes, judgement = quantized(classifier(tmp_path / "trap", LIKE_THE_TEST), technique, tmp_path / "job")
    assert judgement.verdict == "safe" and not one_sided(notes)
    best, is_proven = choose([variant(judgement)])
    assert best is not None and is_proven


@pytest.mark.parametrize(
    ("technique", "calibration", "warned"),
    [
        *(pytest.param(technique, NOISE, True, id=f"noise, {technique.ID}") for technique in TECHNIQUES),
        pytest.param(int8_static, traps.draw(64, 42, only=0)[0], True, id="one class"),
        pytest.param(int8_static, LIKE_THE_TEST * 255, False, id="other preprocessing"),
    ],
)
def test_calibration_on_other_inputs(technique: Any, calibration: np.ndarray, warned: bool, tmp_path: Path) -> None:
    """Given ranges learned from what the model never sees, Then the verdict on real inputs stops it.

    Where all of them get one answer, the technique has warned beforehand.
    """
    notes, judgement = quantized(classifier(tmp_path / "trap", calibration), technique, tmp_path / "job")
    assert one_sided(notes) is warned
    assert_noticed(judgement)


def test_a_layer_whose_range_explodes(tmp_path: Path) -> None:
    """Given one inner value of thousands that nothing reads, Then plain INT8 loses all others and is stopped.

    The technique that measures each layer's cost keeps and names that layer, records all that it tried, and is
    recommended.
    """
    trap = classifier(tmp_path / "trap", LIKE_THE_TEST, explode=3e3)
    _, judgement = quantized(trap, int8_static, tmp_path / "all")
    assert_noticed(judgement)
    notes, judgement = quantized(trap, int8_mixed, tmp_path / "mixed", max_kept=0.95)
    assert "1 of 4 layers keep their numbers: layer1" in notes[0]
    document = json.loads((tmp_path / "mixed" / "model" / int8_mixed.FILE).read_text(encoding="utf-8"))
    first, *rest = document["layers"]
    assert "layer1" in first["name"] and first["cost"] > 100 * max(one["cost"] for one in rest)
    frontier = {row["kept"]: row for row in document["frontier"]}
    assert [*frontier][:2] == [0, 3] and frontier[1]["agreement"] >= 0.99
    assert frontier[0]["ms"] == pytest.approx(sum(one["ms_8"] for one in document["layers"]))
    assert notes[-1].count(" ms") == len(document["frontier"]) and "; 1: " in notes[-1]
    assert judgement.verdict == "safe" and choose([variant(judgement)])[0] is not None


def in_16_bits(proto: onnx.ModelProto, path: Path) -> Path:
    """What the converter alone makes of a model, without our guard."""
    from onnxruntime.transformers import float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    half = float16.convert_float_to_float16(proto, keep_io_types=True)
    OnnxModel.graph_topological_sort(half.graph)
    onnx.save(half, str(path))
    return path


def build_loud_classifier() -> onnx.ModelProto:
    """The classifier with its inner values a thousand times larger, and squared and rooted again, before the last layer."""
    proto = traps.build_classifier()
    graph = proto.graph
    graph.initializer.append(numpy_helper.from_array(np.float32(1000), "loud"))
    last = next(node for node in graph.node if node.name == "layer3")
    before = nodes_of("""
        louder = Mul (r2, loud); squares = Mul (louder, louder); roots = Sqrt (squares); as_before = Div (roots, loud)
    """)
    last.input[0] = "as_before"
    nodes = list(graph.node)
    at = nodes.index(last)
    nodes = [*nodes[:at], *before, *nodes[at:]]
    return model_of(nodes, [floats("x", "n", 24)], [floats("logits", "n", 6)], list(graph.initializer))


def test_a_model_where_half_precision_overflows(apply, tmp_path: Path) -> None:
    """Given squares of millions, Then plain 16 bits lose the answers and are stopped; the technique keeps those in 32.

    A note has what it keeps, and the version is proven safe.
    """
    x, labels = traps.draw(500, 41)
    proto = build_loud_classifier()
    trap = traps.make_trap(tmp_path / "trap", proto, traps.CLASSIFIER, items(x), items(LIKE_THE_TEST), labels)
    plain = in_16_bits(onnx.load(str(trap.model.main)), tmp_path / "plain.onnx")
    judgement = trap.judged(tmp_path / "plain", traps.StrictSession(plain))
    assert judgement.verdict == "regressed" and any("no number (NaN)" in note for note in judgement.notes)
    assert choose([variant(judgement)])[0] is None
    version = apply(fp16.SPEC, trap)
    (note, *_) = version.artifact.notes
    assert "keep 32-bit numbers" in note and "65504" in note
    judgement = trap.judged(tmp_path / "kept", traps.StrictSession(version.main))
    assert judgement.verdict == "safe"


@pytest.mark.parametrize(("steps", "verdict"), [(200, "regressed"), (1, "not_enough_data")])
def test_a_state_that_drifts_in_half_precision(steps: int, verdict: str, apply, tmp_path: Path) -> None:
    """Given a slow mean in 16 bits, Then single frames are all the same and prove nothing, and 200 in a row show the drift,
    with a note."""
    rng = RNG(48)
    sounds = [
        {"frame": (rng.uniform(0.3, 1) + rng.normal(0, 0.01, (steps, 1))).astype(np.float32)}
        for _ in range(40 if steps > 1 else 400)
    ]
    trap = traps.make_trap(tmp_path / "trap", traps.build_mean(), traps.MEAN, sounds, sounds[:8])
    judgement = trap.judged(tmp_path / "judged", traps.StrictSession(apply(fp16.SPEC, trap).main))
    assert judgement.verdict == verdict
    drifted = any("drift away" in note for note in judgement.notes)
    assert drifted is (steps > 1)
    assert (choose([variant(judgement)])[0] is None) is drifted


class Forgetful:
    """A session that begins anew with every frame."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, session: Any) -> None:
        self._session = session

    def run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        answers: dict[str, np.ndarray] = self._session.run({**feeds, "state": np.zeros_like(feeds["state"])})
        return answers

    def close(self) -> None:
        self._session.close()


@pytest.mark.parametrize("carried", [True, False])
def test_a_state_that_is_not_carried(carried: bool, tmp_path: Path) -> None:
    """Given a variant that forgets its state between frames, Then whole sequences show it; one that keeps it is
    alike, and 60 sequences prove no more than that."""
    rng = RNG(49)
    sounds = [{"frame": rng.uniform(0.3, 1, (200, 1)).astype(np.float32)} for _ in range(60)]
    trap = traps.make_trap(tmp_path / "trap", traps.build_mean(), traps.MEAN, sounds, sounds[:8])
    session = open_session(trap.folder, "openvino", {"inference_precision": "f32"}, 1)
    judgement = trap.judged(tmp_path / "judged", session if carried else Forgetful(session))
    assert judgement.verdict == ("not_enough_data" if carried else "regressed")
    assert any("drift away" in note for note in judgement.notes) is not carried
    assert (choose([variant(judgement)])[0] is not None) is carried


def test_scores_with_places_keep_their_steps(apply, tmp_path: Path) -> None:
    """Given a detector's head, whose one output holds places up to hundreds and scores up to 1, Then scores keep their
    8 bits: under one scale all of them would be 0 or .6 (meituan/YOLOv6#969)."""
    width = traps.WIDTHS[0]
    weight = RNG(3).normal(0, 1, (2, width, 4)).astype(np.float32)
    nodes = nodes_of("""
        near = MatMul (x, w0); places = Mul (near, large); raw = MatMul (x, w1); scores = Sigmoid (raw)
        logits = Concat <axis = 1> (places, scores)
    """)
    tensors = [numpy_helper.from_array(weight[k], f"w{k}") for k in (0, 1)]
    tensors.append(numpy_helper.from_array(np.float32(60), "large"))
    proto = model_of(nodes, [floats("x", "n", width)], [floats("logits", "n", 8)], tensors)
    x = traps.draw(64, 41)[0]
    trap = traps.make_trap(tmp_path / "head", proto, traps.CLASSIFIER, items(x), items(LIKE_THE_TEST))
    version = apply(int8_static.SPEC, trap)
    (before,) = predictions(trap.folder, "onnxruntime-cpu", {"x": x})
    for runtime in ("onnxruntime-cpu", "openvino"):
        (after,) = predictions(version.folder, runtime, {"x": x})
        scores = after["logits"][:, 4:]
        assert np.abs(scores - before["logits"][:, 4:]).max() < 0.15 and len(np.unique(scores)) > 16, runtime


def test_a_normalization_written_with_single_operators_keeps_its_bits(apply, tmp_path: Path) -> None:
    """Given examples of very different strength that a model divides by their deviation, When static INT8 is made,
    Then classes stay: with 256 steps, the deviation of weak examples would be 0 and their results infinite."""
    width = traps.WIDTHS[0]
    nodes = nodes_of("""
        layer = MatMul (x, w0); mean = ReduceMean <axes = [1]> (layer); apart = Sub (layer, mean)
        squares = Mul (apart, apart); spread = ReduceMean <axes = [1]> (squares); above = Add (spread, least)
        root = Sqrt (above); scale = Reciprocal (root); normal = Mul (apart, scale); logits = MatMul (normal, w1)
    """)
    rng = RNG(3)
    tensors = [numpy_helper.from_array(rng.normal(0, 1, (width, width)).astype(np.float32), f"w{k}") for k in (0, 1)]
    tensors.append(numpy_helper.from_array(np.float32(1e-6), "least"))
    proto = model_of(nodes, [floats("x", "n", width)], [floats("logits", "n", width)], tensors)
    x = rng.normal(0, 1, (64, width)).astype(np.float32) * np.geomspace(0.2, 5, 64, dtype=np.float32)[:, None]
    trap = traps.make_trap(tmp_path / "trap", proto, traps.CLASSIFIER, items(x), items(x))
    version = apply(int8_static.SPEC, trap, **narrow(int8_static.SPEC))
    (before,), (after,) = (
        predictions(folder, "onnxruntime-cpu", {"x": x}) for folder in (tmp_path / "trap" / "original", version.folder)
    )
    assert np.isfinite(after["logits"]).all()
    assert np.mean(after["logits"].argmax(axis=1) == before["logits"].argmax(axis=1)) > 0.9


def test_biases_shared_by_layers_do_not_take_the_names_of_values(apply, tmp_path: Path) -> None:
    """Given layers that share the bias `val_3`, and a value `val_30` of a Reshape, as PyTorch's exporter names them,
    When static INT8 is made, Then all layers are in 8 bits."""
    width = traps.WIDTHS[0]
    nodes = nodes_of("""
        val_5 = Gemm (x, w0, val_3); val_6 = Relu (val_5); val_7 = Gemm (val_6, w1, val_3)
        val_30 = Reshape (val_7, shape); logits = Gemm (val_30, w2, val_3)
    """)
    tensors = [
        numpy_helper.from_array(RNG(k).normal(0, 1, (width, width)).astype(np.float32), f"w{k}") for k in range(3)
    ]
    tensors.append(numpy_helper.from_array(np.zeros(width, np.float32), "val_3"))
    tensors.append(numpy_helper.from_array(np.array([-1, width]), "shape"))
    proto = model_of(nodes, [floats("x", "n", width)], [floats("logits", "n", width)], tensors)
    x = items(traps.draw(8, 41)[0])
    version = apply(int8_static.SPEC, traps.make_trap(tmp_path / "trap", proto, traps.CLASSIFIER, x, x))
    kinds = Counter(node.op_type for node in onnx.load(str(version.main)).graph.node)
    assert kinds["Gemm"] == 3 and kinds["QuantizeLinear"] >= 5
