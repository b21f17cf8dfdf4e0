"""Remove unused outputs and everything that is computed only for them."""

from dataclasses import replace
from functools import partial
from typing import Any

from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark, ngettext
from workers.convert.graphs import onnx_files
from workers.convert.graphs.graph import Graph
from workers.convert.output import does_not_fit, need_onnx, new_model
from workers.convert.rewriting import check_alike, same_inputs

ID = "cut_outputs"
TITLE = mark("Unused outputs cut")
_refused = partial(does_not_fit, "no_unused_outputs", TITLE)


def apply(model: Model, params: TechniqueParams, ctx: JobContext) -> ModelArtifact:
    """Remove the outputs and all nodes and weights that only they need; predictions are checked on inputs."""
    source = need_onnx(model, TITLE)
    if ctx.part or "parts" in model.artifact.settings:
        raise _refused(_("An encoder and a decoder hand their outputs to each other."))
    if "cascade" in model.artifact.settings:
        raise _refused(_("It already contains two models."), _("Put this step before the one that makes two models."))
    spec = read_pipeline(model.folder)
    proto = onnx_files.load(source)
    kept = read_outputs(spec)
    gone = [output.name for output in proto.graph.output if output.name not in kept]
    if not gone:
        raise _refused(_("All of its outputs are read."))
    if not any(output.name in kept for output in proto.graph.output):
        raise _refused(_("The graph does not give the answer under its name."))
    with new_model(model, ID, params, ctx) as output:
        count = cut(proto, set(gone))
        target = output.save(proto, TITLE)
        check_alike(model.main, target, same_inputs(model, ctx), TITLE, ctx, without=gone)
        left = tuple(entry for entry in spec.outputs if entry.name not in gone)
        output.pipeline = replace(spec, outputs=left)
        output.notes = (_words(gone, count),)
    return output.artifact


def read_outputs(spec: PipelineSpec) -> set[str]:
    """Return the names of used outputs: the prediction, its parts, states, and those for the next token."""
    names = {entry.name for entry in spec.outputs if entry.answer} | set(spec.links.values())
    if spec.postprocess is not None:
        names |= set(spec.postprocess.outputs)
    loop = spec.generation
    if loop is not None:
        names |= {name for name in (loop.states, loop.scores, loop.encoder_mask) if name is not None}
    return names


def cut(proto: Any, gone: set[str]) -> int:
    """Remove these outputs and the nodes that only they need from the proto; return the number of removed nodes."""
    left = [onnx_files.copied(value) for value in proto.graph.output if value.name not in gone]
    before = _nodes(proto)
    del proto.graph.output[:]
    proto.graph.output.extend(left)
    while True:
        graph, size = Graph(proto), len(proto.graph.node)
        graph.commit()
        # tensors used only by nested graphs of removed nodes may be free now
        if len(proto.graph.node) == size:
            return before - _nodes(proto)


def _nodes(proto: Any) -> int:
    return sum(node.op_type != "Constant" for graph in onnx_files.graphs(proto.graph) for node in graph.node)


def _words(gone: list[str], count: int) -> str:
    names = ", ".join(f"“{name}”" for name in gone)
    return ngettext(
        "The output {0} is gone, with {1} operators that served nothing else. It was not compared with the original's.",
        "The outputs {0} are gone, with {1} operators that served nothing else. They were not compared with the "
        "original's.",
        len(gone),
    ).format(names, count)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Removes outputs that nobody reads, and what is computed for them alone. The answer stays the same.",
    source="ONNX documentation, “Extracting sub-models” (onnx.utils.extract_model)",
    apply=apply,
    requires=("onnx", "onnx_ir", "onnxruntime"),
)
