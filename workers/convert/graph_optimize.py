"""Optimize the graph once, offline: fold constants, remove operators without effect, fuse operators."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.infer.base import NotRunnable
from workers.pipeline.arrays import dtype_of
from workers.pipeline.spec import PipelineInput

ID = "graph_optimize"
TITLE = mark("Graph optimization")
ONNXRUNTIME = ("onnxruntime-cpu", "onnxruntime-cuda")


class Params(TechniqueParams):
    """`level` decides whether the result still runs in every engine."""

    level: Literal["portable", "onnxruntime"] = Field(
        default="portable",
        description="portable: standard operators only, every engine can run the result. onnxruntime: also fuses "
        "operators, and only ONNX Runtime can run the result.",
    )
    build_in_constants: bool = Field(
        default=True, description="Build inputs in that always have the same value (such as a sample rate)."
    )


def build_in(proto: Any, entries: list[PipelineInput]) -> dict[str, float | int]:
    """Replace inputs that always have one value by initializers; return {name: value} of those that were found."""
    from onnx import numpy_helper

    built: dict[str, float | int] = {}
    inputs = {value.name: value for value in proto.graph.input}
    for entry in entries:
        if entry.name not in inputs or entry.constant is None:
            continue
        array = np.full([size or 1 for size in entry.shape], entry.constant, dtype=dtype_of(entry))
        proto.graph.input.remove(inputs[entry.name])
        proto.graph.initializer.append(numpy_helper.from_array(array, entry.name))
        built[entry.name] = entry.constant
    return built


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Run ONNX Runtime's optimizer offline and save its result."""
    source = need_onnx(model, TITLE)
    built: dict[str, float | int] = {}
    with new_model(model, ID, params, ctx) as output:
        described = params.build_in_constants and (model.folder / "pipeline.json").is_file()
        inputs = read_pipeline(model.folder).inputs if described else ()
        if entries := [entry for entry in inputs if entry.source == "constant"]:
            proto = onnx_files.load(source)
            built = build_in(proto, entries)
            source = output.folder / "built_in.onnx"
            onnx_files.save(proto, source)
        ctx.check_cancelled()
        level = "basic" if params.level == "portable" else "extended"
        target = output.folder / MODEL_FILE
        try:
            onnx_files.start(source, level, save_to=target)
        except NotRunnable as error:
            raise onnx_files.broken(TITLE, error) from error
        onnx_files.remove(output.folder / "built_in.onnx")
        ctx.check_cancelled()
        if params.level == "portable":
            _drop_unused_domains(target)
        else:
            output.runtimes = ONNXRUNTIME
        output.files = onnx_files.written(target)
        if built:
            known = dict(model.artifact.settings.get("constants") or {})  # type: ignore[arg-type]
            output.settings = {"constants": {**known, **built}}
            words = ", ".join(f"{name} = {value}" for name, value in built.items())
            output.notes = (_("Made for {0}; other values are refused.").format(words),)
    return output.artifact


def _drop_unused_domains(path: Path) -> None:
    """Remove unused operator sets: ONNX Runtime imports all of its own, and other engines reject unknown names."""
    import onnx

    proto = onnx.load(str(path), load_external_data=False)
    used = {node.domain for graph in onnx_files.graphs(proto.graph) for node in graph.node}
    used |= {node.domain for function in proto.functions for node in function.node}
    used |= {"", "ai.onnx"} | {function.domain for function in proto.functions}
    kept = [entry for entry in proto.opset_import if entry.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    onnx.save_model(proto, str(path))


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Computes once what never changes and removes what has no effect. Answers do not change.",
    source="ONNX Runtime documentation, “Graph optimizations”, offline mode, levels basic and extended",
    params=Params,
    apply=apply,
    traits=("exact", "speed", "quick", "batches"),
    order=70,
    explanation="Joins steps that belong together and removes those that do nothing.",
)
