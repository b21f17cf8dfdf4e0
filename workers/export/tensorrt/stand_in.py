"""Convert a version whose numbers only a card computes with (BF16) to 32-bit arithmetic for ONNX Runtime.

The stand-in predicts on computers without a card and gives the golden predictions. Its weights are exactly the rounded
ones, stored in 16 bits; results computed from them are not rounded again.
"""

from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportParams
from workers.contracts.folder import ARTIFACT_FILE, copy_companions, read_model, write_model
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.convert.graphs import onnx_files
from workers.convert.output import Output, take_files
from workers.infer.tensorrt_first import STAND_IN_FILE

RUNTIME = "onnxruntime-cpu"
"""Runtime on computers without a card: it gives the golden predictions that the self-test compares with."""

KEPT = "/rounded"
"""Suffix of a stored 16-bit weight's name, before the weight is widened."""


def stand_in_predictions(model: Model, params: ExportParams, ctx: JobContext) -> tuple[Model, ExportParams]:
    """Return the model for the bundle, and the parameters of the model that predicts here.

    Both are the version itself if ONNX Runtime runs it; else the stand-in's files are added to the version's.
    """
    runtimes = model.artifact.runtimes
    if runtimes is None or RUNTIME in runtimes:
        return model, params.model_copy(update={"model_dir": str(model.folder), "runtime": RUNTIME})
    stand_in = write_stand_in(model, ctx.work_dir / "stand_in")
    whole = _with_files(model, stand_in, ctx.work_dir / "with_stand_in")
    return whole, params.model_copy(update={"model_dir": str(stand_in.folder), "runtime": RUNTIME})


def write_stand_in(model: Model, folder: Path) -> Model:
    """Write the stand-in into a new `folder`; raise InputRefused if the model's file cannot be read."""
    proto = onnx_files.load(model.main)
    widen(proto)
    folder.mkdir()
    files = onnx_files.save(proto, folder / STAND_IN_FILE)
    copy_companions(model.folder, folder)
    artifact = write_model(folder, STAND_IN_FILE, files, settings=model.artifact.settings)
    return Model(folder, artifact)


def widen(proto: Any) -> None:
    """Convert BF16 to FP32 in place; weights keep their 16 bits and are cast where the graph begins."""
    from onnx import AttributeProto, TensorProto, helper, numpy_helper

    brain, single = TensorProto.BFLOAT16, TensorProto.FLOAT
    for graph in onnx_files.graphs(proto.graph):
        casts = []
        for tensor in graph.initializer:
            if tensor.data_type == brain:
                casts.append(helper.make_node("Cast", [tensor.name + KEPT], [tensor.name], to=single))
                tensor.name += KEPT
        for entry in (*graph.value_info, *graph.input, *graph.output):
            if entry.type.tensor_type.elem_type == brain:
                entry.type.tensor_type.elem_type = single
        for attribute in (one for node in graph.node for one in node.attribute):
            if attribute.type == AttributeProto.TENSOR and attribute.t.data_type == brain:
                values = numpy_helper.to_array(attribute.t).astype("float32")
                attribute.t.CopyFrom(numpy_helper.from_array(values, attribute.t.name))
            elif attribute.name in ("to", "dtype") and attribute.i == brain:
                attribute.i = single
        nodes = [*casts, *graph.node]
        del graph.node[:]
        graph.node.extend(nodes)


def _with_files(model: Model, stand_in: Model, folder: Path) -> Model:
    """Copy the version's folder and add the stand-in's files."""
    folder.mkdir()
    take_files(model, Output(folder))
    take_files(stand_in, Output(folder))
    copy_companions(model.folder, folder)
    artifact = model.artifact
    both = artifact.model_copy(update={"files": (*artifact.files, *stand_in.artifact.files)})
    (folder / ARTIFACT_FILE).write_text(both.model_dump_json(indent=1), encoding="utf-8")
    return read_model(folder)
