"""The target *Triton repository*: `NAME/config.pbtxt` and `NAME/1/model.onnx` for Triton's ONNX Runtime backend.

Fields: triton-inference-server/common, protobuf/model_config.proto. No Python package contains a Triton server, so
nothing is started here.
"""

import json
from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportParams, ExportResult
from workers.contracts.folder import read_model
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.runtimes import needs_gpu
from workers.contracts.techniques import TargetSpec
from workers.export.layout import Place, plain_name
from workers.export.python_folder import Contents, write_bundle
from workers.export.selftest import TEST_STAGES
from workers.export.service.bundle_files.fettle_service.protocol import Tensor
from workers.export.stages import WRITE
from workers.infer.batch_mates import depends_on_mates

COMMANDS = ("sh start.sh", "python run.py {input}")
UNMEASURED_BATCH = 8
"""Maximum number of items per request if no batch size was measured; requests are then not joined."""

TYPES = {
    "float32": "TYPE_FP32", "float16": "TYPE_FP16", "float64": "TYPE_FP64", "bfloat16": "TYPE_BF16",
    "int8": "TYPE_INT8", "int16": "TYPE_INT16", "int32": "TYPE_INT32", "int64": "TYPE_INT64", "uint8": "TYPE_UINT8",
    "uint16": "TYPE_UINT16", "uint32": "TYPE_UINT32", "uint64": "TYPE_UINT64", "bool": "TYPE_BOOL",
}  # fmt: skip
START = """#!/bin/sh
# Only the model itself is loaded: what lies next to it is for people and for checking.
exec tritonserver --model-repository="$(cd "$(dirname "$0")" && pwd)" --model-control-mode=explicit --load-model={name}
"""


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write, zip and test the bundle.

    Raises:
        WorkerError: The bundle fails its own test.
    """
    model = read_model(Path(params.model_dir))
    spec = read_pipeline(model.folder)
    name = plain_name(params.facts.project)
    inputs, outputs = tensors(model.folder / model.artifact.main)
    more = {f"{name}/config.pbtxt": config(name, inputs, outputs, spec, params), "start.sh": START.format(name=name)}
    if spec.answer_kind == "class" and spec.classes:
        more[f"{name}/labels.txt"] = "\n".join(" ".join(label.split()) for label in spec.classes) + "\n"
    contents = Contents(COMMANDS, more, place=Place(f"{name}/1", "model.onnx"))
    return write_bundle(params, ctx, contents)


def tensors(path: Path) -> tuple[list[Tensor], list[Tensor]]:
    """Return the graph's own inputs and outputs, which may be fewer than the original's (constants)."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    weights = {entry.name for entry in graph.initializer}
    return [_tensor(entry) for entry in graph.input if entry.name not in weights], [_tensor(e) for e in graph.output]


def _tensor(entry: Any) -> Tensor:
    from onnx import helper

    kind = entry.type.tensor_type
    dtype = "bfloat16" if kind.elem_type == 16 else helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    sizes = tuple(int(size.dim_value) or None for size in kind.shape.dim)  # 0 for a named or missing size
    return Tensor(entry.name, dtype, sizes)


def config(name: str, inputs: list[Tensor], outputs: list[Tensor], spec: PipelineSpec, params: ExportParams) -> str:
    """Return the text form of a `ModelConfig`.

    Items are joined up to the batch size that was measured to be faster, and never if an item's prediction depends on
    the others.
    """
    batched = _is_batched(inputs, outputs, spec)
    shares = batched and depends_on_mates(Path(params.model_dir))
    load = params.facts.load
    knee = 1 if shares else load.knee_batch if batched and load is not None else None
    most = (knee or UNMEASURED_BATCH) if batched else 0
    answer = next((entry.name for entry in spec.outputs if entry.answer), "")
    labelled = answer if spec.answer_kind == "class" and spec.classes else ""
    lines = [
        f"name: {_text(name)}",
        'backend: "onnxruntime"',
        'default_model_filename: "model.onnx"',
        f"max_batch_size: {most}",
        *(_entry("input", entry, batched, "") for entry in inputs),
        *(_entry("output", entry, batched, "labels.txt" if entry.name == labelled else "") for entry in outputs),
        "instance_group [ { count: 1 kind: KIND_%s } ]" % ("GPU" if needs_gpu(params.runtime) else "CPU"),
    ]
    if knee is not None and knee > 1:
        lines.append(f"dynamic_batching {{ preferred_batch_size: [ {knee} ] }}")
    if isinstance(threads := params.settings.get("num_threads"), int):
        value = f"{{ string_value: {_text(str(threads))} }}"
        lines.append(f"parameters {{ key: {_text('intra_op_thread_count')} value: {value} }}")
    return "\n".join(lines) + "\n"


def _is_batched(inputs: list[Tensor], outputs: list[Tensor], spec: PipelineSpec) -> bool:
    """Return whether every first axis counts items and has a free size."""
    counts = {entry.name: entry.batched and entry.batch_axis == 0 for entry in spec.inputs}
    counts |= {entry.name: entry.batch_axis == 0 for entry in spec.outputs}
    free = all(entry.shape and entry.shape[0] is None for entry in (*inputs, *outputs))
    return free and not spec.links and all(counts.get(entry.name, False) for entry in (*inputs, *outputs))


def _entry(kind: str, entry: Tensor, batched: bool, labels: str) -> str:
    sizes = entry.shape[1:] if batched else entry.shape
    dims = ", ".join("-1" if size is None else str(size) for size in sizes)
    if not sizes:  # one number per item
        dims = "1"
    shape = " reshape: { shape: [ ] }" if not sizes else ""
    named = f" label_filename: {_text(labels)}" if labels else ""
    return f"{kind} [ {{ name: {_text(entry.name)} data_type: {TYPES[entry.dtype]} dims: [ {dims} ]{shape}{named} }} ]"


def _text(value: str) -> str:
    """Return a string literal of protobuf's text format, which escapes ASCII like JSON."""
    return json.dumps(value, ensure_ascii=False)


TARGET = TargetSpec(
    id="triton",
    title="Triton repository",
    summary="For NVIDIA's inference server",
    write=write,
    stages=(WRITE, *TEST_STAGES),
    commands=COMMANDS,
    how_to_run="Start it where Triton is, or run it without",
    icon="stack",
    order=60,
    runtimes=("onnxruntime-cpu", "onnxruntime-cuda"),
    settings=("num_threads", "graph_optimization", "constants"),
)
