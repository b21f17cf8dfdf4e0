"""Convert the whole graph to BF16 for graphics cards: half the digits, the range of 32 bits."""

from typing import Any

from workers.contracts.architectures import with_number
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import mark
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.fp16 import KEEP_OPERATORS, SMALL_ALREADY, in_half

ID = "bf16_tensorrt"
TITLE = mark("BF16 for graphics cards")
RUNTIMES = ("tensorrt",)
"""Supported runtimes; ONNX Runtime (1.32) has almost no BF16 arithmetic, so only TensorRT runs the result."""

WITHOUT_BF16 = ("ConvTranspose",)
"""Operators that stay in 32 bits because TensorRT for RTX (1.7) cannot infer their output type in BF16."""

NO_BF16 = Reason(
    code="no_bf16_card",
    text=mark("BF16 needs a card of compute capability 8.0 (GeForce RTX 30) or newer, and this run has none."),
)


class Params(TechniqueParams):
    """Parameters of BF16: the operators that keep 32-bit numbers."""

    keep_operators: tuple[str, ...] = KEEP_OPERATORS


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Convert every weight and inner value to BF16; inputs and outputs keep their types.

    Raises:
        InputRefused: the model has almost no 32-bit weights.
    """
    proto = qdq.load_named(need_onnx(model, TITLE))
    before = onnx_files.weight_bytes(proto)
    with new_model(model, ID, params, ctx) as output:
        with onnx_files.library_call(TITLE, ctx):
            proto = convert(proto, params.keep_operators, before)
        if onnx_files.weight_bytes(proto) > 0.95 * before:
            raise qdq.nothing_to_convert()
        output.files = onnx_files.save(proto, output.folder / MODEL_FILE)
        output.precision = "bf16"
        output.runtimes = RUNTIMES
        output.notes = (mark("Only TensorRT runs BF16, so its answers can be checked on a card only."),)
    return output.artifact


def convert(proto: Any, keep: tuple[str, ...], weight_bytes: int) -> Any:
    """Return the graph in BF16.

    ONNX Runtime's converter first writes FP16; each FP16 tensor is then replaced by BF16, rounded from its 32-bit
    values. Both formats differ only in digits, and operators that support one support the other.
    """
    from onnx import TensorProto, numpy_helper
    from onnxruntime.transformers.onnx_model import OnnxModel

    weights = (one for one in proto.graph.initializer if one.data_type == TensorProto.FLOAT)
    own = {one.name: numpy_helper.to_array(one).copy() for one in weights}
    proto = in_half(proto, (*WITHOUT_BF16, *keep), (), weight_bytes)
    _as_bf16(proto.graph, own)
    OnnxModel.graph_topological_sort(proto.graph)
    return proto


def _as_bf16(graph: Any, own: dict[str, Any]) -> None:
    """Replace FP16 by BF16 in a graph and its subgraphs, in place; `own` holds the 32-bit weights by name."""
    from onnx import AttributeProto, TensorProto

    half, brain = TensorProto.FLOAT16, TensorProto.BFLOAT16
    for one in graph.initializer:
        _turn(one, own)
    for entry in (*graph.value_info, *graph.input, *graph.output):
        if entry.type.tensor_type.elem_type == half:
            entry.type.tensor_type.elem_type = brain
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                _turn(attribute.t, {})
            elif attribute.type == AttributeProto.GRAPH:
                _as_bf16(attribute.g, own)
            elif attribute.name in ("to", "dtype") and attribute.i == half:
                attribute.i = brain


def _turn(tensor: Any, own: dict[str, Any]) -> None:
    """Replace an FP16 tensor in place, from its 32-bit values where these are known."""
    import ml_dtypes
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.FLOAT16:
        return
    values = own.get(tensor.name)
    values = numpy_helper.to_array(tensor) if values is None else values
    made = numpy_helper.from_array(values.astype(ml_dtypes.bfloat16), tensor.name)
    tensor.CopyFrom(made)


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject cards without BF16 and models that are not in 32 bits."""
    if not with_number(situation.architectures, "bf16"):
        return NO_BF16
    return None if situation.model.precision == "fp32" else SMALL_ALREADY


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Numbers with half the digits and the range of 32 bits. For GeForce RTX 30 and later cards.",
    source="A Study of BFLOAT16 for Deep Learning Training, arXiv 1905.12322; TensorRT, “Strongly Typed Networks”",
    params=Params,
    apply=apply,
    explanation="Half the digits; unlike FP16 no value is too large.",
    why_not=why_not,
    requires=("onnx", "onnxruntime", "ml_dtypes"),
    runtimes=RUNTIMES,
)
