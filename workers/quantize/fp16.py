"""16-bit floating-point weights: half the file, the same interface."""

from pydantic import Field

from workers.contracts.context import JobContext
from workers.contracts.errors import InputRefused
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.convert import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model

ID = "fp16"
TITLE = "Half-size numbers (FP16)"


class Params(TechniqueParams):
    """Which operators stay as they are."""

    keep_operators: tuple[str, ...] = Field(
        default=(), description="Operators that keep 32-bit numbers, besides those that have no 16-bit form."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """ONNX Runtime's converter; inputs and outputs keep their 32-bit types."""
    source = need_onnx(model, TITLE)
    ctx.check_cancelled()
    proto = onnx_files.load(source)
    before = onnx_files.weight_bytes(proto)
    clipped = _too_large(proto)
    with new_model(model, ID, params, ctx) as output:
        target = output.folder / MODEL_FILE
        with onnx_files.library_call(TITLE, ctx.log):
            from onnxruntime.transformers import float16

            blocked = [*float16.DEFAULT_OP_BLOCK_LIST, *params.keep_operators]
            large = before >= onnx_files.EXTERNAL_FROM_BYTES  # shapes of such a proto cannot be inferred in memory
            proto = float16.convert_float_to_float16(
                proto, keep_io_types=True, op_block_list=blocked, disable_shape_infer=large
            )
        ctx.check_cancelled()
        if onnx_files.weight_bytes(proto) > 0.95 * before:
            raise InputRefused(
                "nothing_to_convert",
                "There is nothing to make smaller this way",
                "The model holds next to no weights as 32-bit numbers.",
                "Leave this step out.",
            )
        output.files = onnx_files.save(proto, target)
        onnx_files.check_opens(target, TITLE)
        output.precision = "fp16"
        if clipped:
            output.notes = (f"{clipped} weights were too large for 16 bits and were cut to ±65504.",)
    assert output.artifact is not None
    return output.artifact


def _too_large(proto: object) -> int:
    """How many weights lie outside what 16 bits can hold."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    total = 0
    for graph in onnx_files.graphs(proto.graph):  # type: ignore[attr-defined]
        for tensor in graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                total += int(np.count_nonzero(np.abs(numpy_helper.to_array(tensor)) > 65504))
    return total


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Stores weights in 16 bits, so the file is half as large. Faster on GPUs, hardly on processors.",
    source="Mixed Precision Training, arXiv 1710.03740; ONNX Runtime, “Float16 and mixed precision models”",
    params=Params,
    accepts=("onnx",),
    apply=apply,
    requires=("onnx", "onnxruntime"),
    install_hint="pip install onnx onnxruntime",
    runtimes=("onnxruntime-cpu", "onnxruntime-cuda", "openvino"),
)
