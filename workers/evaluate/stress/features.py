"""Compute features of inputs: the input of the original's last layer, as one more output of a copy of the model."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from workers.contracts.folder import read_model
from workers.contracts.process.context import JobContext, in_steps
from workers.evaluate.stress.base import Floats
from workers.infer.onnxruntime_cpu import load as load_session
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.prepared import Prepared

STAGE = "Computing the original's features of the calibration set"
THROUGH = ("Softmax", "LogSoftmax", "Sigmoid", "Identity", "Reshape", "Flatten", "Squeeze", "Cast", "Add", "Dropout")
HEADS = ("Gemm", "MatMul", "Conv")
MOST_ITEMS = 400


def penultimate(proto: Any, answer: str) -> str:
    """Return the name of the input tensor of the last layer with weights, or `answer` if there is no such layer."""
    maker = {name: node for node in proto.graph.node for name in node.output}
    weights = {tensor.name for tensor in proto.graph.initializer}
    name = answer
    for _ in range(12):
        node = maker.get(name)
        if node is None:
            return answer
        computed = [given for given in node.input if given in maker and maker[given].op_type != "Constant"]
        if node.op_type in HEADS:
            is_layer = len(computed) == 1 and (len(node.input) - len(computed)) >= 1 and computed[0] not in weights
            return str(computed[0]) if is_layer else answer
        if node.op_type not in THROUGH or len(computed) != 1:
            return answer
        name = computed[0]
    return answer


def features_of(folder: Path, pipeline: Pipeline, items: Prepared, ctx: JobContext) -> tuple[Floats, Floats] | None:
    """Return features (n, d) and predictions (n, classes) of at most 400 items.

    Features are averaged over the places of a picture. Returns None if the model is not an ONNX file, carries a state,
    or gives other sizes for other items.
    """
    import onnx

    artifact = read_model(folder).artifact
    if artifact.format != "onnx" or pipeline.stateful or not len(items):
        return None
    proto = onnx.load(str(folder / artifact.main))
    wanted = penultimate(proto, next(entry.name for entry in pipeline.spec.outputs if entry.answer))
    if wanted not in {output.name for output in proto.graph.output}:
        proto.graph.output.append(onnx.helper.make_tensor_value_info(wanted, onnx.TensorProto.FLOAT, None))
    with TemporaryDirectory(dir=ctx.work_dir) as place:
        path = Path(place) / "model.onnx"
        onnx.save_model(proto, str(path), save_as_external_data=proto.ByteSize() > 1 << 30)
        with closing(load_session(path, {}, ctx.threads)) as session:
            return _collected(session, pipeline, items, wanted, ctx)


def _collected(
    session: Any, pipeline: Pipeline, items: Prepared, wanted: str, ctx: JobContext
) -> tuple[Floats, Floats] | None:
    rows, predictions = [], []
    for number in in_steps(ctx, STAGE, range(min(len(items), MOST_ITEMS)), "examples"):
        feeds = {name: np.array(value) for name, value in items[number].items()}
        outputs = pipeline.run(session, feeds)
        values = np.asarray(outputs[wanted], np.float32)
        values = values.mean(axis=tuple(range(2, values.ndim))) if values.ndim > 2 else values
        rows.append(values.ravel())
        predictions.append(np.asarray(pipeline.raw_of(outputs, feeds), np.float32).ravel())
    alike = len({row.size for row in rows}) == 1 and len({one.size for one in predictions}) == 1
    return (np.stack(rows), np.stack(predictions)) if alike else None
