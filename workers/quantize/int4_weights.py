"""Store weights of matrix products in 4 bits with one scale per block, in the form TensorRT reads."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workers.contracts.architectures import with_number
from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.calibrating.for_cards import RUNTIMES
from workers.quantize.weights.stored_weights import floats, plain_products

ID = "int4_weights"
TITLE = mark("INT4 weights for graphics cards")
OPSET = 21
"""First operator set whose DequantizeLinear supports blocks and 4 bits."""

LEVEL = "basic"
"""Graph optimization level; above it ONNX Runtime (1.32) also rounds the other factor to 8 bits, unlike TensorRT."""

MOST = 7
LARGE_BYTES = 20_000_000
"""Smallest weight size; smaller models read weights faster than they compute, and 4 bits change their predictions."""

NO_INT4 = Reason(code="no_int4", text=mark("No card of this run supports 4-bit weights."))
TOO_SMALL = Reason(
    code="small_weights", text=mark("4-bit weights help only in large matrix products, and this model's are small.")
)


class Params(TechniqueParams):
    """Parameters of INT4 weights: the size of the blocks."""

    block_size: Literal[32, 64, 128] = Field(
        default=128, description="Weights that share a scale. Smaller blocks are more exact and take more room."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Round each block of weights to the nearest of 15 steps around zero.

    Raises:
        InputRefused: no product has weights that fit the block size.
    """
    proto = qdq.load_named(need_onnx(model, TITLE))
    with new_model(model, ID, params, ctx) as output:
        with onnx_files.library_call(TITLE, ctx):
            plain_products(proto)
            proto = onnx_files.raise_opset(proto, OPSET)
            count = _shrink(proto, params.block_size, ctx)
            onnx_files.drop_unused(proto)
        if not count:
            words = _("The model has no matrix products whose weights come in blocks of {0}.").format(params.block_size)
            raise qdq.nothing_smaller(words, mark("Choose smaller blocks, or FP16."))
        output.save(proto, TITLE)
        output.precision = "int4 weights"
        output.settings = {"graph_optimization": LEVEL}
        output.runtimes = RUNTIMES
        output.notes = (
            _("The weights of {0} products are stored in 4 bits; all else keeps its numbers.").format(count),
        )
    return output.artifact


def _shrink(proto: Any, block: int, ctx: JobContext) -> int:
    from onnx import TensorProto, helper, numpy_helper

    graph = proto.graph
    weights = floats(graph)
    done: dict[str, str] = {}
    nodes: list[Any] = []
    for node in graph.node:
        name = node.input[1] if node.op_type == "MatMul" else ""
        dims = tuple(weights[name].dims) if name in weights else ()
        if len(dims) == 2 and dims[0] % block == 0:
            if name not in done:
                ctx.check_cancelled()
                steps, scales = blocks(numpy_helper.to_array(weights[name]), block)
                stored, scale, back = (f"{name}_int4_{part}" for part in ("steps", "scale", "back"))
                graph.initializer.append(helper.make_tensor(stored, TensorProto.INT4, dims, steps.ravel()))
                graph.initializer.append(numpy_helper.from_array(scales, scale))
                nodes.append(
                    helper.make_node("DequantizeLinear", [stored, scale], [back], axis=0, block_size=block, name=back)
                )
                done[name] = back
            node.input[1] = done[name]
        nodes.append(node)
    onnx_files.set_nodes(graph, nodes)
    return len(done)


def blocks(weights: NDArray[Any], block: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize weights (K, N) in blocks along K.

    Returns:
        Steps from −7 to 7 (K, N) as int8, and scales (K/block, N) as float32.
    """
    rows, columns = weights.shape
    parts = np.asarray(weights, np.float32).reshape(rows // block, block, columns)
    scales = (np.maximum(np.abs(parts).max(axis=1), 1e-12) / MOST).astype(np.float32)
    steps = np.clip(np.rint(parts / scales[:, None]), -MOST, MOST).astype(np.int8)
    return steps.reshape(rows, columns), scales


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject cards that cannot unpack 4 bits, models in 8 bits, and models without large products."""
    if not with_number(situation.architectures, "int4 weights"):
        return NO_INT4
    if situation.model.precision == "int8":
        return IN_8_BITS
    is_small = situation.model.weight_bytes < LARGE_BYTES or situation.model.products <= situation.model.convolutions
    return TOO_SMALL if is_small else None


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores weights of matrix products in 4 bits. Saves memory on the card; for large products.",
    source="GPTQ, arXiv 2210.17323, section 4 (round to nearest in groups); TensorRT, “Explicit Quantization”, "
    "weight-only quantization; ONNX, operator DequantizeLinear (operator set 21)",
    params=Params,
    apply=apply,
    explanation="Weights in an eighth of the room; the card unpacks them as it reads.",
    why_not=why_not,
    runtimes=("tensorrt",),
)
