"""Quantize weights to INT8 and measure activation ranges at every request, without calibration examples."""

from typing import Literal

from pydantic import Field

from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import mark
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import eight_bits, qdq

ID = "int8_dynamic"
TITLE = mark("INT8, dynamic")
PRODUCTS = ("MatMul", "Gemm", "Attention", "LSTM", "GRU", "Gather")
NO_PRODUCTS = Reason(
    code="no_products", text=mark("The model has no matrix products, and convolutions are far slower this way.")
)
QUANTIZED = ("MatMulInteger", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "QAttention", "ConvInteger")


class Params(TechniqueParams):
    """Parameters of dynamic INT8: the layers to quantize, and the scales of weights."""

    layers: Literal["products", "all"] = Field(
        default="products",
        description="products: matrix products and recurrent layers. all: convolutions too, which most processors run "
        "far slower this way.",
    )
    per_channel: bool = Field(default=True, description="One scale for each output channel of a weight.")
    reduce_range: bool = Field(
        default=False, description="Weights use 7 of 8 bits, which avoids overflow on processors without VNNI."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Run ONNX Runtime's dynamic quantizer on the graph with all weights as initializers."""
    proto = onnx_files.load(need_onnx(model, TITLE))
    large = onnx_files.weight_bytes(proto) >= onnx_files.EXTERNAL_FROM_BYTES
    onnx_files.lift_constants(proto)
    proto = onnx_files.raise_opset(proto, 13 if params.per_channel else 11)
    with new_model(model, ID, params, ctx) as output:
        target = output.folder / MODEL_FILE
        with onnx_files.library_call(TITLE, ctx):
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(
                proto,
                str(target),
                op_types_to_quantize=list(PRODUCTS) if params.layers == "products" else None,
                per_channel=params.per_channel,
                reduce_range=params.reduce_range,
                weight_type=QuantType.QInt8,
                use_external_data_format=large,
                extra_options={"MatMulConstBOnly": True},
            )
        if not onnx_files.count(onnx_files.load(target), *QUANTIZED):
            raise qdq.nothing_smaller(
                mark("The model has no matrix products with fixed weights that could be stored in 8 bits."),
                mark("Try INT8 with calibration, which also covers convolutions."),
            )
        onnx_files.check_opens(target, TITLE)
        output.files = onnx_files.written(target)
        output.precision = "int8"
        output.notes = eight_bits.overflow_notes(reduce_range=params.reduce_range)
    return output.artifact


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models that are already in 8 bits or have no matrix products."""
    if situation.model.precision == "int8":
        return IN_8_BITS
    return None if situation.model.products else NO_PRODUCTS


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores weights in 8 bits and scales activations while it runs. Needs no examples.",
    source="Integer Quantization for Deep Learning Inference, arXiv 2004.09602; ONNX Runtime, “Quantize ONNX models”",
    params=Params,
    apply=apply,
    traits=("int8", "speed", "size", "quick", "batches"),
    order=60,
    explanation="Only the large tables of numbers become whole ones. Suits models that read text.",
    why_not=why_not,
    fit=eight_bits.fit,
    runtimes=("onnxruntime-cpu", "openvino"),
)
