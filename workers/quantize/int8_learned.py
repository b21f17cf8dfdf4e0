"""Quantize to INT8 with weights and ranges that are learned from the inputs of each layer in the original."""

import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, JsonValue

from workers.contracts.planning import Fitted, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.convert.replica.torch_replica import threads
from workers.quantize import eight_bits, qdq
from workers.quantize.calibrating import one_sided, similarity
from workers.quantize.learning.layers import QuantizedGraph, float_outputs, float_sums
from workers.quantize.learning.learner import Learner

ID = "int8_learned"
TITLE = mark("INT8, learned rounding")


class Params(qdq.Int8Params):
    """Parameters of learned INT8: those of static INT8, the examples to compare with, and the time."""

    check_examples: int = Field(default=64, ge=2, le=500, description="Examples on which both versions are compared.")
    max_s: float = Field(
        title="Most seconds", default=120, ge=1, le=7200, description="Seconds that learning may take."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Quantize as static INT8 does, learn each layer, and keep the version whose predictions are more similar."""
    source = need_onnx(model, TITLE)
    end_s = time.monotonic() + params.max_s
    reader = qdq.requests(model, ctx, params.examples)
    with threads(ctx.threads), new_model(model, ID, params, ctx) as output:
        target = output.folder / MODEL_FILE
        with qdq.prepared(source, output.folder, TITLE, ctx) as graph, onnx_files.library_call(TITLE, ctx):
            qdq.quantize(graph, target, reader, params, params.scope, ctx)
            notes = _learn(model, graph.path, target, params, ctx, end_s)
        onnx_files.check_opens(target, TITLE)
        output.files = onnx_files.written(target)
        output.precision = "int8"
        output.notes = (*one_sided.notes(model, ctx), *notes, *_width_notes(params))
    return output.artifact


def _width_notes(params: Params) -> tuple[str, ...]:
    if params.reduce_range:
        return (mark("Weights were learned with 7 bits, whose sums cannot overflow on processors without VNNI."),)
    return eight_bits.overflow_notes(reduce_range=False)


def _learn(
    model: Model, prepared: Path, target: Path, params: Params, ctx: JobContext, end_s: float
) -> tuple[str, ...]:
    """Learn the file `target`; it stays as it is if that does not help. Return sentences that report it."""
    original, proto = onnx_files.load(prepared), qdq.load_named(target)
    float_outputs(proto)
    float_sums(proto, {node.output[0] for node in original.graph.node if node.op_type in qdq.ACTIVATIONS})
    onnx_files.drop_unused(proto)
    learner = Learner(original, QuantizedGraph(proto), 63 if params.reduce_range else 127, ctx, end_s)
    total = calibration.count_requests(model, ctx, params.examples)
    learner.run(lambda: calibration.requests(model, ctx, total), total, target.with_name("probe.onnx"))
    if learner.learned == 0:
        return (mark("Nothing could be learned in this time, so all numbers are rounded to the nearest."),)
    tried = target.with_name("learned.onnx")
    onnx_files.save(onnx_files.copied(proto), tried)  # saving moves large weights into a file beside it
    held = similarity.hold(model, list(ctx.calibration(params.check_examples)), ctx)
    before, after = (held.error_of_file(path, model, ctx.threads) for path in (target, tried))
    onnx_files.remove(tried)
    if after >= before:
        note = _(
            "Learning did not help (the squared error of the answers is {0:.2g} instead of {1:.2g}, on {2} examples),"
            " so all numbers are rounded to the nearest."
        )
        return (note.format(after, before, len(held)),)
    onnx_files.remove(target)
    onnx_files.save(proto, target)
    note = _(
        "The rounding of {3} of {4} layers was learned: the squared error of the answers is {0:.2g} instead of {1:.2g},"
        " on {2} examples."
    )
    return (note.format(after, before, len(held), learner.learned, learner.layers),)


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Give it its share of the run's time, and round only what layers read in transformers."""
    return eight_bits.fit_in_time(situation, {**eight_bits.only_layers(situation), **given})


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="8 bits whose rounding is learned from your examples, so that each layer's outputs change least.",
    source="GPTQ, arXiv 2210.17323, and Optimal Brain Compression, arXiv 2208.11580, for convolutions and products",
    params=Params,
    apply=apply,
    needs_calibration=True,
    traits=("int8", "speed", "size", "batches"),
    order=56,
    explanation="Whole numbers change some answers. Each layer learns to round so that the next one sees little of it.",
    why_not=eight_bits.why_not,
    fit=fit,
    requires=("onnx", "onnxruntime", "torch"),
    runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"),
)
