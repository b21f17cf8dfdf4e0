"""Open an OpenVINO IR (.xml with the .bin of the same name); it is evaluated but never optimized.

Only OpenVINO runs it.
"""

import math
import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from workers.contracts.folder import write_model
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import TensorSpec
from workers.contracts.translation import _
from workers.infer.openvino_program import import_library, input_name, output_name
from workers.model_io.budget import checking, loading
from workers.model_io.facts import Graph, info
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.neighbors import facts_of_file, is_plain
from workers.model_io.words import damaged, first_line, refuse, shown

RUNTIME = "openvino"
MAIN, WEIGHTS = "model.xml", "model.bin"
PRECISIONS = {"f16": "fp16", "bf16": "bf16", "f32": "fp32", "f64": "fp64"}
FEW_BITS = ("i8", "u8", "i4", "u4", "nf4", "i2", "u2")


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read the graph without compiling it."""
    files = _files(path)
    openvino = import_library()
    with checking(ctx, files), loading(ctx, files):
        try:
            model = openvino.Core().read_model(str(path))
        except RuntimeError as error:
            raise damaged(path, shown(first_line(error, -1), 200)) from error
        graph = _graph(model)
        facts = facts_of_file(path, {})
    del model
    summary = info("An OpenVINO IR holds numbers and operations, no programs. OpenVINO alone runs it.")
    draft = Draft(graph=graph, facts=facts, files=files, findings=(summary,), runtime=RUNTIME)
    return draft, partial(_write, draft, ctx)


def _write(draft: Draft, ctx: JobContext, params: OpenParams, target: Path) -> Draft:
    """Copy both files into `target` and describe them there."""
    ctx.check_cancelled()
    for file, name in zip(draft.files, (MAIN, WEIGHTS), strict=True):
        shutil.copyfile(file, target / name)
    precision = draft.graph.precision
    write_model(target, MAIN, (MAIN, WEIGHTS), model_format="openvino-ir", precision=precision, runtimes=(RUNTIME,))
    return draft


def _files(path: Path) -> tuple[Path, Path]:
    weights = path.with_suffix(".bin")
    if not is_plain(weights):
        raise refuse(
            "missing_weights",
            "The weights of this model are missing",
            _("Beside {0} there is no {1}.").format(path.name, weights.name),
            "Put both files of the IR into one folder, and open it again.",
        )
    return path, weights


def _graph(model: Any) -> Graph:
    """Return the facts of an IR: its inputs and outputs, and the content of its constants."""
    counts: Counter[str] = Counter()
    size = 0
    quantized = False
    for node in model.get_ops():
        kind = node.get_type_name()
        quantized = quantized or kind == "FakeQuantize"
        if kind == "Constant":
            size += int(node.get_byte_size())
            counts[node.get_element_type().get_type_name()] += math.prod(map(int, node.get_output_shape(0)))
    weights = {name: count for name, count in counts.items() if name in PRECISIONS or name in FEW_BITS}
    quantized = quantized or 2 * sum(weights.get(name, 0) for name in FEW_BITS) > sum(weights.values())
    most = max(weights, key=lambda name: weights[name], default="f32")
    return Graph(
        inputs=tuple(_spec(port) for port in model.inputs),
        outputs=tuple(_spec(port) for port in model.outputs),
        parameters=sum(weights.values()),
        weight_bytes=size,
        quantized=quantized,
        precision="int8" if quantized else PRECISIONS.get(most, "fp32"),
    )


def _spec(port: Any) -> TensorSpec:
    sizes = port.get_partial_shape()
    shape = tuple(one.get_length() if one.is_static else None for one in sizes) if sizes.rank.is_static else ()
    kind = port.get_element_type()
    dtype = "bfloat16" if kind.get_type_name() == "bf16" else str(kind.to_dtype())
    return TensorSpec(name=port_name(port), shape=shape, dtype=dtype)


def port_name(port: Any) -> str:
    """Return the name of a port at run time; an old IR may have ports without their own names."""
    if not port.get_names():
        return str(port.get_node().get_friendly_name())
    is_input = port.get_node().get_type_name() == "Parameter"
    return input_name(port) if is_input else output_name(port)
