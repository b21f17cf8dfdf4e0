"""A version in BF16 in a bundle: what ONNX Runtime answers with where no card is."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from recording import RecordingContext

from workers.contracts.bundles import ExportParams
from workers.contracts.folder import read_model, sha256_file
from workers.convert.graphs import onnx_files
from workers.export.tensorrt.stand_in import RUNTIME, stand_in_predictions, widen
from workers.export.tensorrt.target import more_files
from workers.infer import onnxruntime_cpu, tensorrt_first
from workers.measure.opening import open_session
from workers.quantize import bf16_tensorrt


def params(**more: object) -> ExportParams:
    return ExportParams.model_construct(model_dir="", runtime="tensorrt", settings={}, **more)


@pytest.fixture
def in_bf16(make_small, tmp_path: Path):
    """(the original, its version in BF16)."""
    small = make_small("cnn")
    (tmp_path / "bf16").mkdir()
    ctx = RecordingContext(tmp_path / "bf16", data_dir=small.data)
    bf16_tensorrt.apply(small.model, bf16_tensorrt.Params(), ctx)
    return small, read_model(tmp_path / "bf16" / "model")


def test_its_answers_are_those_of_the_rounded_weights(in_bf16, tmp_path: Path) -> None:
    """Given a version in BF16, When it is used here, Then exactly the original with its weights rounded to BF16
    answers; the weights take 16 bits in the file as well."""
    small, model = in_bf16
    _, requested = stand_in_predictions(model, params(), RecordingContext(tmp_path, data_dir=small.data))
    feeds = small.feeds()
    given = open_session(Path(requested.model_dir), RUNTIME, {}, 1).run(feeds)["logits"]
    proto = onnx_files.load(small.model.main)
    for one in proto.graph.initializer:
        values = numpy_helper.to_array(one)
        if values.dtype == np.float32:
            one.CopyFrom(numpy_helper.from_array(values.astype(ml_dtypes.bfloat16).astype(np.float32), one.name))
    onnx.save_model(proto, str(tmp_path / "rounded.onnx"))
    expected = onnxruntime_cpu.load(tmp_path / "rounded.onnx", {}, 1).run(feeds)["logits"]
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)
    exact = onnxruntime_cpu.load(small.model.main, {}, 1).run(feeds)["logits"]
    assert np.abs(given - exact).max() > 1e-5  # it is not the original
    stand_in = Path(requested.model_dir, tensorrt_first.STAND_IN_FILE)
    kinds = {one.data_type for one in onnx_files.load(stand_in).graph.initializer if len(one.dims) > 1}
    assert kinds == {TensorProto.BFLOAT16}


def test_both_files_go_into_the_bundle_and_the_engine_is_built_from_its_own(in_bf16, tmp_path: Path) -> None:
    """Given the version, Then the bundle's model is the very ONNX file in BF16, and the stand-in lies next to it with its
    hash; where no card is, that one answers, and reports that it computes with 32 bits."""
    small, model = in_bf16
    whole, _ = stand_in_predictions(model, params(), RecordingContext(tmp_path, data_dir=small.data))
    listed = {one.path: one.sha256 for one in whole.artifact.files}
    assert whole.artifact.main == "model.onnx" and listed["model.onnx"] == sha256_file(model.main)
    assert listed[tensorrt_first.STAND_IN_FILE] == sha256_file(whole.folder / tensorrt_first.STAND_IN_FILE)
    assert json.loads((whole.folder / "pipeline.json").read_text()) == json.loads(
        (model.folder / "pipeline.json").read_text()
    )
    session, report = tensorrt_first.in_onnxruntime(whole.main, {}, 1)
    assert session.run(small.feeds())["logits"].shape[1] == 5 and report.endswith("answers instead, with 32 bits")
    assert "model.fp32.onnx" in more_files({}, in_32_bits=True)["CARDS.md"]
    assert "model.fp32.onnx" not in more_files({})["CARDS.md"]


def test_version_that_runs_here_needs_no_stand_in(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    model = small.model
    whole, requested = stand_in_predictions(model, params(), RecordingContext(tmp_path, data_dir=small.data))
    assert whole is model and requested.model_dir == str(small.model.folder)
    assert not list(tmp_path.glob("*stand_in*"))
    assert tensorrt_first.in_onnxruntime(small.model.main, {}, 1)[1].endswith("processor answers instead")


def test_constants_and_casts_are_widened_in_branches_too() -> None:
    """Given a branch with a constant and a cast in BF16, Then both are FP32, and ONNX Runtime runs what could not run."""
    half = TensorProto.BFLOAT16
    constant = numpy_helper.from_array(np.array([1.5], ml_dtypes.bfloat16), "c")

    def branch(name: str) -> onnx.GraphProto:
        nodes = [
            helper.make_node("Cast", ["x"], [f"{name}_x"], to=half),
            helper.make_node("Constant", [], [f"{name}_c"], value=constant),
            helper.make_node("Mul", [f"{name}_x", f"{name}_c"], [f"{name}_m"]),
            helper.make_node("Cast", [f"{name}_m"], [f"{name}_y"], to=TensorProto.FLOAT),
        ]
        return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, [1])])

    node = helper.make_node("If", ["b"], ["y"], then_branch=branch("t"), else_branch=branch("e"))
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("b", TensorProto.BOOL, []),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    graph = helper.make_graph([node], "g", inputs, outputs)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    widen(proto)
    onnx.checker.check_model(proto, full_check=True)
    import onnxruntime

    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.array([2], np.float32), "b": np.array(True)})[0] == 3
