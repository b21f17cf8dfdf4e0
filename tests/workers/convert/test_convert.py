"""Optimized graphs, fixed sizes, and weights in a separate file."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from recording import RecordingContext
from small_models import predictions
from special_models import SUITED
from technique_cases import CASES, params_here, staged

from workers.contracts.errors import InputRefused
from workers.contracts.folder import write_model
from workers.convert import fixed_shape, graph_optimize
from workers.convert.graphs import onnx_files
from workers.convert.output import narrow
from workers.measure.opening import open_session
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec


def test_constant_input_is_built_in_and_branches_vanish(make_small, apply) -> None:
    """Given a sample rate that never changes, Then the If is gone, yet the interface stays as it was."""
    small = make_small("stateful")
    version = apply(graph_optimize.SPEC, small)
    assert version.artifact.settings == {"constants": {"sr": 16000}}
    proto = onnx_files.load(version.main)
    assert onnx_files.count(proto, "If") == 0
    assert [value.name for value in proto.graph.input] == ["frame", "state"]
    feeds = small.feeds()
    (expected,) = predictions(small.folder, "onnxruntime-cpu", feeds)
    for runtime in ("onnxruntime-cpu", "openvino"):
        (outputs,) = predictions(version.folder, runtime, feeds)
        np.testing.assert_allclose(outputs["stateN"], expected["stateN"], atol=1e-5)
        with pytest.raises(ValueError, match="sr = 16000"):
            predictions(version.folder, runtime, {**feeds, "sr": np.array(8000)})


@pytest.mark.parametrize(
    ("kind", "params", "runtimes"),
    [
        ("stateful", {"build_in_constants": False}, None),
        ("transformer", {}, None),
        ("cnn", {"level": "onnxruntime"}, ("onnxruntime-cpu", "onnxruntime-cuda")),
    ],
)
def test_level_decides_which_engines_run_the_result(kind: str, params, runtimes, make_small, apply) -> None:
    """Given the portable level, Then no operator set but the standard one is left; fused operators need one engine."""
    version = apply(graph_optimize.SPEC, make_small(kind), **params)
    artifact = version.artifact
    assert (artifact.settings, artifact.notes, artifact.runtimes) == ({}, (), runtimes)
    if runtimes is None:
        proto = onnx_files.load(version.main)
        assert {entry.domain for entry in proto.opset_import} <= {"", "ai.onnx"}
        return
    with pytest.raises(InputRefused):
        open_session(version.folder, "openvino", {}, 1)


@pytest.mark.parametrize(
    ("kind", "shapes", "notes"),
    [
        ("cnn", {"image": [1, 3, 16, 16]}, 0),
        ("transformer", {"input_ids": [1, -1]}, 1),
        ("stateful", {"frame": [1, 8], "state": [1, 16], "sr": []}, 0),
    ],
)
def test_sizes_that_never_change_are_fixed(kind: str, shapes, notes: int, make_small, apply) -> None:
    """Given pictures of one size, Then every size is fixed; the length of texts stays free, with a note; sequences are
    requests of one item."""
    artifact = apply(fixed_shape.SPEC, make_small(kind)).artifact
    assert (artifact.settings, artifact.runtimes) == ({"shapes": shapes}, ("openvino",))
    assert ["input_ids" in note for note in artifact.notes] == [True] * notes


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


@pytest.fixture
def external(make_small, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """A small model that is treated as one of several GiB: its weights lie outside."""
    monkeypatch.setattr(onnx_files, "EXTERNAL_FROM_BYTES", 1000)
    spec = request.node.callspec.params.get("spec") if hasattr(request.node, "callspec") else None
    small = make_small(SUITED.get(spec.id, "cnn") if spec else "cnn")
    proto = onnx_files.load(small.folder / "model.onnx")
    for tensor in proto.graph.initializer:  # onnx moves only tensors of 1 KiB and more
        tensor.raw_data = tensor.raw_data
    names = onnx_files.save(proto, small.folder / "model.onnx")
    assert names == ("model.onnx", "model.onnx.data")
    write_model(small.folder, "model.onnx", names)
    return small


def test_saving_twice_does_not_grow_the_file(external) -> None:
    """Given a data file that is there already, When the model is saved again, Then it is replaced."""
    path = external.folder / "model.onnx"
    size = (external.folder / "model.onnx.data").stat().st_size
    onnx_files.save(onnx_files.load(path), path)
    assert (external.folder / "model.onnx.data").stat().st_size == size


@pytest.mark.parametrize("spec", [case for case in CASES if "onnx" in case.values[0].accepts])
def test_every_technique_takes_and_gives_external_weights(spec, external, tmp_path: Path, tmp_path_factory) -> None:
    """Given weights outside, Then the version names all its files and predicts, also when the source is gone."""
    ctx = RecordingContext(tmp_path, data_dir=external.data, original=external.folder)
    model = staged(spec, external, tmp_path_factory.mktemp("before"))
    artifact = spec.apply(model, params_here(spec), ctx)
    folder = tmp_path / "model"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    on_disk = files - {"artifact.json", "pipeline.json", "info.json"}
    assert {entry.path for entry in artifact.files} == on_disk
    for source in (*external.folder.glob("model.onnx*"), *model.folder.glob("model.onnx*")):
        source.unlink(missing_ok=True)
    if artifact.runtimes == ("tensorrt",):
        return  # only a card runs it
    runtime = "openvino" if artifact.runtimes and "onnxruntime-cpu" not in artifact.runtimes else "onnxruntime-cpu"
    (outputs,) = predictions(folder, runtime, external.feeds())
    assert all(np.isfinite(values).all() for values in outputs.values())


def test_constants_are_lifted_everywhere(make_small) -> None:
    """Given weights in Constant nodes, Then they become initializers and the predictions stay."""
    small = make_small("constants")
    proto = onnx_files.load(small.folder / "model.onnx")
    (before,) = predictions(small.folder, "onnxruntime-cpu", small.feeds())
    assert onnx_files.lift_constants(proto) == 2
    assert onnx_files.count(proto, "Constant") == 0
    onnx.checker.check_model(proto)
    onnx_files.save(proto, small.folder / "model.onnx")
    (after,) = predictions(small.folder, "onnxruntime-cpu", small.feeds())
    np.testing.assert_array_equal(before["y"], after["y"])


def test_nested_graphs_are_walked(make_small) -> None:
    proto = onnx_files.load(make_small("stateful").folder / "model.onnx")
    assert len(list(onnx_files.graphs(proto.graph))) == 3
    assert onnx_files.count(proto, "MatMul") == 5
    assert onnx_files.weight_bytes(proto) > 4 * (8 * 16 + 16 * 16 + 2 * 64)
