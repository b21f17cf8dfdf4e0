"""Zero two of each four weights, which the tensor cores of newer cards skip; the others may learn to compensate."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from workers.contracts.architectures import with_number
from workers.contracts.errors import InputRefused
from workers.contracts.planning import Fitted, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.convert.replica.torch_replica import TorchReplica
from workers.prune.fine_tuning import LearningParams
from workers.prune.recovery import NO_WEIGHTS, recovered, set_to_zero

ID = "sparsity_2_4"
TITLE = mark("2:4 zeros")
GROUP, KEPT = 4, 2
LAYERS = ("Conv", "MatMul", "Gemm")
RUNTIMES = ("tensorrt", "onnxruntime-cpu", "onnxruntime-cuda")
NOTE = mark(
    "Half of the weights of {count} layers are zero, two of each four. Only TensorRT on a card runs them faster."
)

NO_SPARSE = Reason(
    code="no_sparse_cores", text=mark("Only cards from compute capability 8.0 (A100, RTX 30) on skip such zeros.")
)
NOT_IN_TIME = Reason(
    code="learns_too_long",
    text=mark("With half of its weights at zero, a model has to learn again, and this run is too short for that."),
)


class Params(LearningParams):
    """Parameters of 2:4 sparsity: whether the other weights learn afterwards; all others apply to that only."""

    recover: bool = Field(
        title="Learn after pruning",
        default=False,
        description="Let the other weights learn from the original's results on your examples.",
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Zero the two smallest of each four weights along a layer's input channels.

    Layers whose channel count is not a multiple of four stay unchanged.

    Raises:
        InputRefused: no layer fits, or learning is requested and cannot meet the limit in time.
    """
    proto = onnx_files.load(need_onnx(model, TITLE))
    onnx_files.lift_constants(proto)
    tensors = _weights(proto)
    if not tensors:
        raise InputRefused(
            "nothing_to_prune",
            "There are no weights to set to zero",
            "The model has no layer with 32-bit weights whose number of input channels is a multiple of four.",
            "Leave this step out.",
        )
    with new_model(model, ID, params, ctx) as output:
        notes = [_(NOTE).format(count=len(tensors))]
        if params.recover:
            proto, learned = recovered(model, proto, params, TITLE, ctx, _kept)
            notes.append(learned)
        else:
            set_to_zero([tensor for tensor, _ in tensors], lambda n, values: two_of_four(values, tensors[n][1]), ctx)
        output.save(proto, TITLE)
        output.runtimes = RUNTIMES
        output.notes = tuple(notes)
        output.weights_kept = False
    return output.artifact


def two_of_four(weights: NDArray[Any], axis: int) -> NDArray[np.bool_]:
    """Return which weights stay: the two with the largest absolute value of each four neighbors along `axis`."""
    turned = np.moveaxis(np.abs(weights), axis, -1)
    groups = turned.reshape(*turned.shape[:-1], -1, GROUP)
    order = np.argsort(groups, axis=-1, kind="stable")
    keep = np.zeros(groups.shape, bool)
    np.put_along_axis(keep, order[..., GROUP - KEPT :], True, axis=-1)
    return np.ascontiguousarray(np.moveaxis(keep.reshape(turned.shape), -1, axis))


def _weights(proto: Any) -> list[tuple[Any, int]]:
    """Return weight tensors with the axis of their input channels."""
    from onnx import TensorProto

    known = {tensor.name: tensor for tensor in proto.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    weights: dict[str, tuple[Any, int]] = {}
    for node in proto.graph.node:
        tensor = known.get(node.input[1]) if node.op_type in LAYERS and len(node.input) > 1 else None
        if tensor is None or len(tensor.dims) < 2:
            continue
        turned = onnx_files.is_set(node, "transB")
        axis = 1 if node.op_type == "Conv" or turned else len(tensor.dims) - 2
        if tensor.dims[axis] % GROUP == 0:
            weights.setdefault(tensor.name, (tensor, axis))
    return list(weights.values())


def _kept(student: TorchReplica, _number: int) -> list[tuple[Any, Any]]:
    """Return the weights of layers whose input channels come in fours, each with a mask of those that stay."""
    import torch

    layers = [step.layer for step in student.steps if step.layer is not None]
    weights = [layer.module.weight for layer in layers if layer.kind in ("conv", "linear")]
    chosen = [weight for weight in weights if weight.shape[1] % GROUP == 0]
    return [(weight, torch.from_numpy(two_of_four(weight.detach().numpy(), 1))) for weight in chosen]


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject cards without sparse cores, models without weights, and runs without time to learn."""
    if not with_number(situation.architectures, "2:4 zeros"):
        return NO_SPARSE
    if not (situation.model.products or situation.model.convolutions):
        return NO_WEIGHTS
    short = situation.time_budget_s is not None and situation.time_budget_s < 2 * params.max_s
    return NOT_IN_TIME if short else None


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Choose learning if there are examples, because losing half of the weights changes too much without it."""
    return Fitted({"recover": situation.has_calibration, **given})


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Sets two of each four weights to zero, and lets the others make up for it. For TensorRT on newer cards.",
    source="Accelerating Sparse Deep Neural Networks, arXiv 2104.08378",
    params=Params,
    apply=apply,
    needs_calibration=True,
    explanation="The card skips two of four products.",
    why_not=why_not,
    fit=fit,
    requires=("onnx", "onnxruntime", "torch"),
    runtimes=("tensorrt",),
)
