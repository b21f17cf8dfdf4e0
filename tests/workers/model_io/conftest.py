"""Provide small real models, made in the test, and the two jobs that open them."""

import os
from pathlib import Path

import numpy as np
import pytest
from recording import RecordingContext
from small_models import nodes_of

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.model_io.opening import inspect_model, open_model


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    return folder


@pytest.fixture
def opened(work: Path):
    """Open a model into the job's folder; return the result and the folder of the inner form."""

    def run(path, **more):
        result = open_model(OpenParams(path=str(path), **more), RecordingContext(work_dir=work))
        return result, work / result.model_dir

    return run


@pytest.fixture
def inspected(work: Path):
    def run(path, **more):
        before = list(work.iterdir())
        info = inspect_model(OpenParams(path=str(path), **more), RecordingContext(work_dir=work))
        assert list(work.iterdir()) == before
        return info

    return run


@pytest.fixture
def refused(work: Path):
    """Check that opening is refused in whole sentences and leaves nothing behind; return the error."""

    def run(path, **more) -> InputRefused:
        with pytest.raises(InputRefused) as caught:
            open_model(OpenParams(path=str(path), **more), RecordingContext(work_dir=work))
        error = caught.value
        assert error.title and error.detail.endswith((".", "!", "…")) and error.hint.endswith((".", "!"))
        assert error.exit_code == 3
        assert not list(work.iterdir()), "something was left behind"
        return error

    return run


@pytest.fixture
def onnx_model():
    """Build an ONNX model out of nodes, also in text form: the default multiplies (1, 4) by a 4 × 4 matrix of weights."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def build(nodes=None, inputs=None, outputs=None, weights=None, opset=17, **metadata):
        nodes = nodes or "y = MatMul (x, w)"
        if not isinstance(nodes, str):
            nodes = [helper.make_node(op, ins, outs, **attributes) for op, ins, outs, attributes in nodes]
        inputs = inputs or {"x": ("FLOAT", ["batch", 4])}
        outputs = outputs or {"y": ("FLOAT", ["batch", 4])}
        weights = {"w": np.eye(4, dtype=np.float32)} if weights is None else weights

        def values(specs):
            return [
                helper.make_tensor_value_info(name, TensorProto.DataType.Value(kind), shape)
                for name, (kind, shape) in specs.items()
            ]

        graph = helper.make_graph(
            nodes_of(nodes) if isinstance(nodes, str) else nodes,
            "g",
            values(inputs),
            values(outputs),
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        for key, value in metadata.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key.replace("__", "."), value
        assert isinstance(model, onnx.ModelProto)
        return model

    return build


@pytest.fixture
def saved(tmp_path: Path):
    """Write a protobuf model (or bytes) into a new folder."""

    def write(model, name="model.onnx") -> Path:
        path = tmp_path / "given" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    return write


@pytest.fixture
def real_models() -> Path:
    """Return the folder of the real models, which FETTLE_MODELS_DIR names for tests with the mark `models`."""
    return Path(os.environ["FETTLE_MODELS_DIR"]) / "P"
