"""Weights in a file of their own: read, written, and kept by every technique."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from special_models import SUITED
from technique_cases import CASES, params_here, staged

from workers.contracts.folder import write_model
from workers.convert.graphs import onnx_files
from workers.measure.opening import open_session
from workers.runtime.recording import RecordingContext


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
    """Given a data file that is there already, when the model is saved again, then it is replaced."""
    path = external.folder / "model.onnx"
    size = (external.folder / "model.onnx.data").stat().st_size
    onnx_files.save(onnx_files.load(path), path)
    assert (external.folder / "model.onnx.data").stat().st_size == size


@pytest.mark.parametrize("spec", [case for case in CASES if "onnx" in case.values[0].accepts])
def test_every_technique_takes_and_gives_external_weights(spec, external, tmp_path: Path, tmp_path_factory) -> None:
    """Given weights outside, then the result names all its files and answers, also when the source is gone."""
    ctx = RecordingContext(tmp_path, data_dir=external.data, original=external.folder)
    model = staged(spec, external, tmp_path_factory.mktemp("before"))
    artifact = spec.apply(model, params_here(spec), ctx)
    folder = tmp_path / "model"
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    on_disk = set(found) - {"artifact.json", "pipeline.json", "info.json"}
    assert {entry.path for entry in artifact.files} == on_disk
    for source in (*external.folder.glob("model.onnx*"), *model.folder.glob("model.onnx*")):
        source.unlink(missing_ok=True)
    if artifact.runtimes == ("tensorrt",):
        return  # only a card answers
    runtime = "openvino" if artifact.runtimes and "onnxruntime-cpu" not in artifact.runtimes else "onnxruntime-cpu"
    answers = open_session(folder, runtime, {}, 1).run(external.feeds())
    assert all(np.isfinite(values).all() for values in answers.values())


def test_constants_are_lifted_everywhere(make_small) -> None:
    """Given weights in Constant nodes, then they become initializers and the answers stay."""
    small = make_small("constants")
    proto = onnx_files.load(small.folder / "model.onnx")
    before = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())["y"]
    assert onnx_files.lift_constants(proto) == 2
    assert onnx_files.count(proto, "Constant") == 0
    onnx.checker.check_model(proto)
    onnx_files.save(proto, small.folder / "model.onnx")
    after = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())["y"]
    np.testing.assert_array_equal(before, after)


def test_nested_graphs_are_walked(make_small) -> None:
    proto = onnx_files.load(make_small("stateful").folder / "model.onnx")
    assert len(list(onnx_files.graphs(proto.graph))) == 3
    assert onnx_files.count(proto, "MatMul") == 5
    assert onnx_files.weight_bytes(proto) > 4 * (8 * 16 + 16 * 16 + 2 * 64)
