"""Store only weights in 8 or 4 bits, with one scale per small group: less to store, load and read."""

import logging
from typing import Any, Literal

from pydantic import Field

from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, joined, mark, ngettext
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.weights import stored_weights

ID = "weights_only"
TITLE = mark("Weight-only quantization")
BLOCKS_FROM_OPSET = 21
"""First operator set whose DequantizeLinear supports groups and 4 bits."""

SMALLER = 0.95
LIBRARY = "onnxruntime.quantization.matmul_nbits_quantizer"

CONVOLUTIONS = Reason(
    code="mostly_convolutions",
    text=mark("Most of the model's layers are convolutions, whose weights this leaves as they are."),
)


class Params(TechniqueParams):
    """Parameters of the weights: their bits, the size of groups, and the form in the graph."""

    bits: Literal[8, 4] = Field(
        default=8, description="Bits of each weight. 4 changes results of small models; it is for very large ones."
    )
    group_size: Literal[16, 32, 64, 128, 256] = Field(
        default=32, description="Weights that share a scale. Smaller groups are more exact and take more room."
    )
    symmetric: bool = Field(
        default=True, description="Ranges around zero. Otherwise each group has an offset too, which takes more room."
    )
    form: Literal["products", "dequantize"] = Field(
        title="Stored as",
        default="products",
        description="products: matrix products over packed weights (MatMulNBits). dequantize: weights stored in few "
        "bits before an ordinary product or convolution (DequantizeLinear), which OpenVINO computes with directly.",
    )
    round_inputs: bool = Field(
        default=True,
        description="For packed products: their inputs are rounded to 8 bits too, which is much faster.",
    )
    tables: bool = Field(title="Word vectors", default=True, description="Tables of word vectors in 8 bits too.")


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Round each group of weights to the nearest step; inner values keep their numbers."""
    proto = qdq.load_named(need_onnx(model, TITLE))
    before = onnx_files.weight_bytes(proto)
    with new_model(model, ID, params, ctx) as output:
        with onnx_files.library_call(TITLE, ctx):
            tables = stored_weights.shrink_tables(proto) if params.tables else 0
            ctx.check_cancelled()
            if params.form == "dequantize" and params.bits == 8:
                proto = onnx_files.raise_opset(proto, 13)
                layers = stored_weights.shrink_layers(proto)
            else:
                stored_weights.plain_products(proto)
                proto = _quantize(proto, params)
                layers = onnx_files.count(proto, "MatMulNBits") or onnx_files.count(proto, "DequantizeLinear")
            onnx_files.drop_unused(proto)
        after = onnx_files.weight_bytes(proto)
        if after > SMALLER * before:
            raise qdq.nothing_smaller(
                mark("The model has no large matrix products or tables; only their weights can be stored like that."),
                mark("Try INT8 with calibration, which also covers convolutions."),
            )
        output.save(proto, TITLE)
        output.precision = f"int{params.bits} weights"
        output.notes = (_note(layers, tables, before, after, params),)
    return output.artifact


def _quantize(proto: Any, params: Params) -> Any:
    """Run ONNX Runtime's quantizer on products whose weights are at least one group deep."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    root.handlers[:] = handlers  # the module configures the whole program's logging when it is imported
    logging.getLogger(LIBRARY).setLevel(logging.ERROR)
    pairs = params.form == "dequantize"
    if pairs:
        proto = onnx_files.raise_opset(proto, BLOCKS_FROM_OPSET)
    config = DefaultWeightOnlyQuantConfig(
        block_size=params.group_size,
        is_symmetric=params.symmetric,
        accuracy_level=4 if params.round_inputs and not pairs else None,
        quant_format=QuantFormat.QDQ if pairs else QuantFormat.QOperator,
        bits=params.bits,
    )
    small = stored_weights.small_products(proto)
    quantizer = MatMulNBitsQuantizer(proto, nodes_to_exclude=small, algo_config=config)
    quantizer.process()
    return quantizer.model.model


def _note(layers: int, tables: int, before: int, after: int, params: Params) -> str:
    what = (
        _("Weights of {0} layers in {1} bits and {4} tables in 8: {2:.1f} MB became {3:.1f} MB.")
        if tables
        else ngettext(
            "Weights of {0} layer in {1} bits: {2:.1f} MB became {3:.1f} MB.",
            "Weights of {0} layers in {1} bits: {2:.1f} MB became {3:.1f} MB.",
            layers,
        )
    ).format(layers, params.bits, before / 1e6, after / 1e6, tables)
    when = _(
        "It saves disk space and memory. It saves time only where reading weights takes longer than computing (large"
        " products, one request at a time)."
    )
    return joined([what, when])


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject the packed form for models that consist mostly of convolutions, and models already in 8 bits."""
    if params.form == "dequantize":
        return None
    if situation.model.precision == "int8":
        return IN_8_BITS
    return CONVOLUTIONS if situation.model.products <= situation.model.convolutions else None


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores weights of large products in 8 or 4 bits. Saves memory; time only in large products.",
    source="GPTQ, arXiv 2210.17323, section 4 (round to nearest in groups); ONNX Runtime, operator MatMulNBits; ONNX, "
    "operator DequantizeLinear",
    params=Params,
    apply=apply,
    traits=("size", "quick"),
    order=40,
    explanation="Large tables of numbers become whole ones, everything else keeps its fractions.",
    why_not=why_not,
    runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"),
)
