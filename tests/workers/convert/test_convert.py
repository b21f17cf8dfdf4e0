"""Tidying a graph and fixing its sizes."""

from pathlib import Path

import numpy as np
import pytest

from workers.contracts.errors import InputRefused
from workers.convert import fixed_shape, graph_optimize
from workers.convert.graphs import onnx_files
from workers.convert.output import narrow
from workers.measure.opening import open_session
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec
from workers.runtime.recording import RecordingContext


def test_constant_input_is_built_in_and_branches_vanish(make_small, tmp_path: Path) -> None:
    """Given a sample rate that never changes, then the If is gone, yet the interface stays as it was."""
    small = make_small("stateful")
    artifact = graph_optimize.apply(small.model, graph_optimize.Params(), RecordingContext(tmp_path))
    assert artifact.settings == {"constants": {"sr": 16000}}
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    assert onnx_files.count(proto, "If") == 0
    assert [value.name for value in proto.graph.input] == ["frame", "state"]
    feeds = small.feeds()
    wanted = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(feeds)
    for runtime in ("onnxruntime-cpu", "openvino"):
        session = open_session(tmp_path / "model", runtime, {}, 1)
        np.testing.assert_allclose(session.run(feeds)["stateN"], wanted["stateN"], atol=1e-5)
        with pytest.raises(ValueError, match="sr = 16000"):
            session.run({**feeds, "sr": np.array(8000)})


def test_constant_input_can_be_kept(make_small, tmp_path: Path) -> None:
    small = make_small("stateful")
    params = graph_optimize.Params(build_in_constants=False)
    artifact = graph_optimize.apply(small.model, params, RecordingContext(tmp_path))
    assert artifact.settings == {} and artifact.notes == ()


def test_portable_result_has_standard_operators_only(make_small, tmp_path: Path) -> None:
    """Given the portable level, then no operator set but the standard one is left in the file."""
    small = make_small("transformer")
    artifact = graph_optimize.apply(small.model, graph_optimize.Params(), RecordingContext(tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    assert artifact.runtimes is None
    assert {entry.domain for entry in proto.opset_import} <= {"", "ai.onnx"}


def test_fused_result_is_for_onnxruntime_alone(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    params = graph_optimize.Params(level="onnxruntime")
    artifact = graph_optimize.apply(small.model, params, RecordingContext(tmp_path))
    assert artifact.runtimes == ("onnxruntime-cpu", "onnxruntime-cuda")
    with pytest.raises(InputRefused):
        open_session(tmp_path / "model", "openvino", {}, 1)


def test_sizes_that_never_change_are_fixed(make_small, tmp_path: Path) -> None:
    """Given pictures of one size, then every size is fixed; given texts, their length stays free and is told."""
    artifact = fixed_shape.apply(
        (cnn := make_small("cnn")).model, fixed_shape.Params(), RecordingContext(tmp_path, data_dir=cnn.data)
    )
    assert artifact.settings == {"shapes": {"image": [1, 3, 16, 16]}} and artifact.notes == ()
    assert artifact.runtimes == ("openvino",)
    text = make_small("transformer")
    artifact = fixed_shape.apply(text.model, fixed_shape.Params(), RecordingContext(tmp_path, data_dir=text.data))
    assert artifact.settings == {"shapes": {"input_ids": [1, -1]}}
    assert "input_ids" in artifact.notes[0]


def test_steps_of_a_stateful_model_are_requests_of_one(make_small, tmp_path: Path) -> None:
    """Given items whose leading axis is time, then the batch is one all the same."""
    small = make_small("stateful")
    artifact = fixed_shape.apply(small.model, fixed_shape.Params(), RecordingContext(tmp_path, data_dir=small.data))
    assert artifact.settings["shapes"] == {"frame": [1, 8], "state": [1, 16], "sr": []}


def test_input_without_a_batch_takes_its_size_from_the_examples() -> None:
    spec = PipelineSpec(
        task="arrays",
        inputs=(PipelineInput(name="a", dtype="float32", shape=(None, 2), source="array", batched=False),),
        outputs=(PipelineOutput(name="y", dtype="float32", answer=True),),
        preprocess=ArraySteps(),
        answer_kind="tensor",
    )
    assert fixed_shape.shapes_of(spec, {"a": {(7, 2)}}) == {"a": [7, 2]}
    assert fixed_shape.shapes_of(spec, {"a": {(7, 2), (8, 2)}}) == {"a": [-1, 2]}


def test_runtimes_of_steps_narrow() -> None:
    assert narrow(None, None) is None
    assert narrow(("a",), None) == ("a",) == narrow(None, ("a",))
    assert narrow(("a", "b"), ("b", "c")) == ("b",)
    with pytest.raises(InputRefused, match="do not fit together"):
        narrow(("a",), ("b",))
