"""Quantize weights and activations to INT8 with ranges learned from calibration examples."""

from collections.abc import Mapping

from pydantic import JsonValue

from workers.contracts.planning import Fitted, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import mark
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import eight_bits, qdq
from workers.quantize.calibrating import one_sided

ID = "int8_static"
LARGE_GRAPH = 800
"""Number of operators from which on only heavy layers are quantized.

With 2,000 operators, quantizing all layers took two minutes and failed; quantizing the heavy ones took 15 s.
"""

HEAVY_LAYERS = "heavy_layers"
MANY_OPERATORS = mark("The model has so many operators that only its heavy layers are put into 8 bits.")
TITLE = mark("INT8, all layers")


class Params(qdq.Int8Params):
    """Parameters of static INT8: the method that learns the ranges, and the layers to quantize."""


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Fold and infer shapes, collect ranges in a stream, and insert QuantizeLinear/DequantizeLinear pairs."""
    source = need_onnx(model, TITLE)
    reader = qdq.requests(model, ctx, params.examples)
    with new_model(model, ID, params, ctx) as output:
        target = output.folder / MODEL_FILE
        with qdq.prepared(source, output.folder, TITLE, ctx) as graph, onnx_files.library_call(TITLE, ctx):
            qdq.quantize(graph, target, reader, params, params.scope, ctx)
        onnx_files.check_opens(target, TITLE)
        output.files = onnx_files.written(target)
        output.precision = "int8"
        output.notes = (*one_sided.notes(model, ctx), *eight_bits.overflow_notes(reduce_range=params.reduce_range))
    return output.artifact


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Choose only heavy layers in transformers, and in large graphs because the quantizer's time grows with n²."""
    careful = eight_bits.fit(situation, given)
    is_large = situation.model.nodes > LARGE_GRAPH
    if not is_large and not situation.model.smoothable:
        return careful
    fewer: dict[str, JsonValue] = {"examples": 32} if is_large else {}
    params = {**eight_bits.only_layers(situation), "layers": "heavy", **fewer, **careful.params}
    if "layers" in given:
        return Fitted(params)
    return Fitted(params, HEAVY_LAYERS, MANY_OPERATORS if is_large else eight_bits.TRANSFORMER)


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores and computes in 8 bits, with ranges learned from your examples.",
    source="Quantization and Training of Neural Networks for Integer-Arithmetic-Only Inference, arXiv 1712.05877; "
    "ONNX Runtime, “Quantize ONNX models”",
    params=Params,
    apply=apply,
    needs_calibration=True,
    traits=("int8", "speed", "size", "quick", "batches"),
    order=50,
    explanation="Whole numbers from -128 to 127 instead of fractions; a quarter of the size.",
    why_not=eight_bits.why_not,
    fit=fit,
    runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"),
)
