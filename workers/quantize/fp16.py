"""Store weights in 16-bit floating point: half the file size, the same interface."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import finite
from workers.convert.output import need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.calibrating import overflow

ID = "fp16"
TITLE = "FP16"

SMALL_ALREADY = Reason(code="in_16_bits", text=mark("The model is stored in half-size numbers already."))
KEEP_OPERATORS = Field(
    default=(), description="Operators that keep 32-bit numbers, besides those that have no 16-bit form."
)


class Params(TechniqueParams):
    """Parameters of FP16: the operators that keep 32-bit numbers."""

    version = 2

    keep_operators: tuple[str, ...] = KEEP_OPERATORS


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Convert with ONNX Runtime's converter; inputs, outputs and operators that would overflow keep 32 bits."""
    proto = qdq.load_named(need_onnx(model, TITLE))
    before = onnx_files.weight_bytes(proto)
    with new_model(model, ID, params, ctx) as output:
        with onnx_files.library_call(TITLE, ctx):
            facts = overflow.look(proto, model, output.folder, ctx)
            ctx.check_cancelled()
            proto = _convert(proto, params, facts, before)
        if onnx_files.weight_bytes(proto) > 0.95 * before:
            raise _nothing_smaller(facts)
        output.save(proto, TITLE)
        finite.need_finite(model, Model(output.folder, model.artifact), "onnxruntime-cpu", TITLE, ctx)
        output.precision = "fp16"
        output.notes = _notes(facts, len(proto.graph.node))
    return output.artifact


def _convert(proto: Any, params: Params, facts: overflow.OverflowFacts, weight_bytes: int) -> Any:
    from onnxruntime.transformers.onnx_model import OnnxModel

    proto = in_half(proto, params.keep_operators, facts.operators, weight_bytes)
    if facts.operators:
        overflow.join_casts(proto)
    OnnxModel.graph_topological_sort(proto.graph)  # the converter appends its casts, ONNX requires topological order
    return proto


def in_half(proto: Any, operators: Iterable[str], nodes: Iterable[str], weight_bytes: int) -> Any:
    """Return the graph in FP16; inputs, outputs, these types of operators and these nodes keep 32 bits."""
    from onnxruntime.transformers import float16

    large = weight_bytes >= onnx_files.EXTERNAL_FROM_BYTES  # shapes of such a proto cannot be inferred in memory
    blocked = {"op_block_list": [*float16.DEFAULT_OP_BLOCK_LIST, *operators], "node_block_list": [*nodes]}
    return float16.convert_float_to_float16(proto, keep_io_types=True, disable_shape_infer=large, **blocked)


def _nothing_smaller(facts: overflow.OverflowFacts) -> InputRefused:
    if facts.operators:
        return InputRefused(
            "half_precision_overflows",
            "The numbers of this model are too large for 16 bits",
            _(
                "{0} operators give or take values up to {1:.3g} (16 bits end at 65504), and without them "
                "nothing would become smaller."
            ).format(len(facts.operators), facts.largest),
            "Keep 32-bit numbers for this model, or use BF16, whose range is larger.",
        )
    return qdq.nothing_to_convert()


def _notes(facts: overflow.OverflowFacts, operators: int) -> tuple[str, ...]:
    notes = []
    if facts.operators:
        notes.append(
            _(
                "{0} of {1} operators keep 32-bit numbers: their values (up to {2:.3g}) are too large for 16 "
                "bits, which end at 65504, or near it."
            ).format(len(facts.operators), operators, facts.largest)
        )
    if not facts.looked:
        notes.append(
            mark("There were no examples to see whether inner values get too large for 16 bits (beyond 65504).")
        )
    return tuple(notes)


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models that are not in 32 bits."""
    return None if situation.model.precision == "fp32" else SMALL_ALREADY


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores weights in 16 bits, so the file is half as large. Faster on GPUs, hardly on processors.",
    source="Mixed Precision Training, arXiv 1710.03740; ONNX Runtime, “Float16 and mixed precision models”",
    params=Params,
    apply=apply,
    traits=("fp16", "size", "quick", "batches"),
    order=65,
    explanation="Every number is kept with half the digits; half the size.",
    why_not=why_not,
    runtimes=("onnxruntime-cpu", "onnxruntime-cuda", "onnxruntime-rtx", "openvino", "tensorrt"),
)
