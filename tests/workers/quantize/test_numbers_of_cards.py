"""INT8, FP8, INT4 and 2:4 zeros as TensorRT reads them: form and numbers, against references in numpy."""

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from recording import RecordingContext
from small_models import nodes_of

from workers.contracts.folder import read_model
from workers.convert.graphs import onnx_files
from workers.prune import sparsity_2_4
from workers.quantize import bf16_tensorrt, fp8_qdq, int4_weights, int8_qdq
from workers.quantize.calibrating.pairs import FP8, INT8, tensor

KINDS = {"int8": (int8_qdq, INT8, TensorProto.INT8), "fp8": (fp8_qdq, FP8, TensorProto.FLOAT8E4M3FN)}


@pytest.fixture(scope="module", params=KINDS)
def made(request, make_small, tmp_path_factory):
    """(the number format, a small model, the folder of its version, the notes on it)."""
    small, work = make_small("cnn"), tmp_path_factory.mktemp(request.param)
    technique = KINDS[request.param][0]
    artifact = technique.apply(small.model, technique.SPEC.params(), RecordingContext(work, data_dir=small.data))
    return request.param, small, work / "model", artifact


def test_pairs_have_the_form_that_tensorrt_reads(made) -> None:
    """Given two convolutions and a head, Then all three compute with 8 bits: zero points are 0, weights have a scale
    for each output channel, inner values one, and biases stay 32-bit numbers."""
    name, _, folder, artifact = made
    proto = onnx_files.load(folder / "model.onnx")
    values = {one.name: one for one in proto.graph.initializer}
    assert artifact.precision == name
    assert onnx_files.count(proto, "QuantizeLinear") == 3 and onnx_files.count(proto, "DequantizeLinear") == 6
    for node in proto.graph.node:
        if node.op_type == "DequantizeLinear":
            zero = values[node.input[2]]
            assert zero.data_type == KINDS[name][2] and not numpy_helper.to_array(zero).astype(np.float32).any()
            of_weight = node.input[0] in values
            assert numpy_helper.to_array(values[node.input[1]]).ndim == (1 if of_weight else 0)
        if node.op_type == "Gemm":
            assert values[node.input[2]].data_type == TensorProto.FLOAT


def test_stored_weights_are_the_nearest_numbers(made) -> None:
    """Given a layer's weights, Then what is stored times its scale is within half a step of them (INT8), or within one
    in sixteen (FP8, three bits behind the first)."""
    name, small, folder, _ = made
    values, before = (
        {one.name: numpy_helper.to_array(one) for one in onnx_files.load(path / "model.onnx").graph.initializer}
        for path in (folder, small.folder)
    )
    weights = before["w2"]
    steps = values[f"w2_{name}_steps"].astype(np.float32)
    scales = values[f"w2_{name}_scale"].reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(np.abs(steps).max(axis=(1, 2, 3)), KINDS[name][1].most)
    gap = np.abs(steps * scales - weights)
    bound = scales / 2 if name == "int8" else np.maximum(np.abs(weights) / 16, scales * 2**-10)
    assert (gap <= bound * 1.001).all()


def test_predictions_stay_near(made) -> None:
    """Given ONNX Runtime on the processor, which computes both, Then predictions are near the original's."""
    _, small, folder, _ = made
    assert 0 < small.error_of(read_model(folder)) < 0.1


@pytest.mark.parametrize("name", KINDS)
def test_rounding_is_that_of_a_reference(name: str) -> None:
    """Given values over the whole range and ties, Then numpy and ml_dtypes round them alike; what is larger is cut."""
    _, kind, _ = KINDS[name]
    values = np.concatenate([np.linspace(-500, 500, 4001), [0.5, 1.5, -2.5, 9e9, -9e9]]).astype(np.float32)
    got = numpy_helper.to_array(tensor(values, kind, "t")).astype(np.float32)
    if name == "int8":
        expected = np.clip(np.rint(values), -127, 127)
    else:
        expected = np.clip(values, -448, 448).astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
    np.testing.assert_array_equal(got, expected)


def test_blocks_of_four_bits() -> None:
    """Given blocks with one large value each, Then every weight is within half a step of its own block's scale."""
    weights = np.random.default_rng(3).normal(size=(64, 5)).astype(np.float32)
    weights[::32] *= 9
    steps, scales = int4_weights.blocks(weights, 32)
    assert steps.dtype == np.int8 and np.abs(steps).max() == 7 and scales.shape == (2, 5)
    back = steps * np.repeat(scales, 32, axis=0)
    assert (np.abs(back - weights) <= np.repeat(scales, 32, axis=0) * 0.501).all()


def test_four_bits_in_the_file_predict_as_the_reference(make_small, apply) -> None:
    """Given a transformer, Then its products read 4-bit weights, and ONNX Runtime predicts as with weights that numpy
    has rounded."""
    small = make_small("transformer")
    version = apply(int4_weights.SPEC, small, block_size=32)
    proto = onnx_files.load(version.main)
    assert sum(one.data_type == TensorProto.INT4 for one in proto.graph.initializer) >= 4
    assert version.artifact.precision == "int4 weights"
    reference = onnx_files.load(small.model.main)
    for one in reference.graph.initializer:
        if f"{one.name}_int4_steps" in {other.name for other in proto.graph.initializer}:
            steps, scales = int4_weights.blocks(numpy_helper.to_array(one), 32)
            one.CopyFrom(numpy_helper.from_array(steps * np.repeat(scales, 32, axis=0), one.name))
    rounded = make_small("transformer", reference)
    assert rounded.error_of(version) < 1e-5


@pytest.mark.parametrize(("shape", "axis"), [((8, 16, 3, 3), 1), ((12, 5), 0), ((5, 12), 1)])
def test_two_of_each_four_stay_the_larger_ones(shape: tuple[int, ...], axis: int) -> None:
    weights = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    kept = np.moveaxis(sparsity_2_4.two_of_four(weights, axis), axis, -1).reshape(-1, 4)
    sizes = np.abs(np.moveaxis(weights, axis, -1)).reshape(-1, 4)
    assert (kept.sum(axis=1) == 2).all()
    assert (np.where(kept, sizes, np.inf).min(axis=1) >= np.where(kept, -np.inf, sizes).max(axis=1)).all()


@pytest.mark.slow
def test_pattern_of_zeros_stays_after_learning(make_small, apply) -> None:
    """Given a network that learned with its zeros for some steps, Then each four input channels still hold two."""
    params = {"recover": True, "steps": 10, "batch": 2, "min_agreement": 0.5, "min_cosine": 0.5, "examples": 8}
    version = apply(sparsity_2_4.SPEC, make_small("cnn"), **params)
    weights = sparsity_2_4._weights(onnx_files.load(version.main))
    assert weights and not version.artifact.weights_kept
    for one, axis in weights:
        groups = np.moveaxis(numpy_helper.to_array(one), axis, -1).reshape(-1, 4)
        assert ((groups != 0).sum(axis=1) <= 2).all(), one.name


def test_bf16_is_rounded_from_32_bits_and_nothing_is_too_large(make_small, apply) -> None:
    """Given a weight beyond what FP16 holds and one below its least, Then BF16 has the nearest numbers of the originals,
    inputs and outputs keep their types, and only TensorRT may run it."""
    small = make_small("cnn")
    proto = onnx_files.load(small.model.main)
    before = {one.name: numpy_helper.to_array(one).copy() for one in proto.graph.initializer}
    before["w2"].ravel()[:2] = 3.0e38, 1.0e-30
    for one in proto.graph.initializer:
        one.CopyFrom(numpy_helper.from_array(before[one.name], one.name))
    onnx_files.save(proto, small.model.main)
    version = apply(bf16_tensorrt.SPEC, small)
    made = onnx_files.load(version.main)
    assert (version.artifact.precision, version.artifact.runtimes) == ("bf16", ("tensorrt",))
    floats = {one.name: one for one in made.graph.initializer if before[one.name].dtype == np.float32}
    assert {one.data_type for one in floats.values()} == {TensorProto.BFLOAT16}
    for name, one in floats.items():
        np.testing.assert_array_equal(numpy_helper.to_array(one), before[name].astype(ml_dtypes.bfloat16))
    for entry in (*made.graph.input, *made.graph.output):
        assert entry.type.tensor_type.elem_type == TensorProto.FLOAT
    types = {entry.type.tensor_type.elem_type for entry in made.graph.value_info}
    assert TensorProto.FLOAT16 not in types


def test_bf16_leaves_operators_that_tensorrt_cannot_read() -> None:
    """Given a transposed convolution, which TensorRT for RTX refuses in BF16, and one that a person wants left, Then both
    keep 32 bits and the product between them does not."""
    from onnx import helper

    weights = [
        numpy_helper.from_array(np.ones(shape, np.float32), name)
        for name, shape in (("c", (2, 2, 1, 1)), ("m", (4, 4)))
    ]
    nodes = nodes_of("[product] a = MatMul (x, m); [up] b = ConvTranspose (a, c); [end] y = Softmax (b)")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 4, 4]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    made = bf16_tensorrt.convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)]), ("Softmax",), 0)
    types = {one.name: one.data_type for one in made.graph.initializer}
    assert types == {"c": TensorProto.FLOAT, "m": TensorProto.BFLOAT16}
    onnx.checker.check_model(made)
