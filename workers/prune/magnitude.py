"""Set the smallest weights of the whole model to zero and optionally let the others learn to compensate."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import mark
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.convert.replica.torch_replica import TorchReplica
from workers.prune.fine_tuning import LearningParams
from workers.prune.recovery import NO_WEIGHTS, recovered, set_to_zero

ID = "magnitude_prune"
TITLE = mark("Magnitude pruning")
WEIGHT_INPUTS = {
    **dict.fromkeys(("Conv", "ConvTranspose"), (1,)),
    **dict.fromkeys(("MatMul", "Gemm"), (0, 1)),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (1, 2)),
}
NOTE = mark(
    "Zeros bring speed only where a runtime uses them. None of the runtimes here does so for single zeros, so expect "
    "the same speed; the file gets smaller only when it is compressed."
)


class Params(LearningParams):
    """Parameters of magnitude pruning: the share of zeros, and whether the other weights learn afterwards."""

    sparsity: float = Field(
        default=0.5, ge=0.05, le=0.95, description="Share of all weights that become zero, the smallest first."
    )
    recover: bool = Field(
        title="Learn after pruning",
        default=False,
        description="Let the other weights learn from the original's results on your examples. The settings below are "
        "about that alone.",
    )
    rounds: int = Field(
        default=4, ge=1, le=20, description="Steps in which weights become zero, most of them in the first ones."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Zero weights of products and convolutions below one common threshold; biases and embeddings stay unchanged.

    Raises:
        InputRefused: the model has no weights, or learning is requested and cannot meet the limit in the given time.
    """
    proto = onnx_files.load(need_onnx(model, TITLE))
    onnx_files.lift_constants(proto)
    tensors = list(_weights(proto))
    if not tensors:
        raise InputRefused(
            "nothing_to_prune",
            "There are no weights to set to zero",
            "The model has no convolutions or matrix products with weights as 32-bit or 16-bit numbers.",
            "Put this step before the one that changes the numbers.",
        )
    with new_model(model, ID, params, ctx) as output:
        output.notes = (NOTE,)
        if params.recover:

            def kept(student: TorchReplica, number: int) -> list[tuple[Any, Any]]:
                layers = [step.layer for step in student.steps if step.layer is not None and step.layer.kind != "norm"]
                share = scheduled(params.sparsity, number, params.rounds)
                return _kept([layer.module.weight for layer in layers], share)

            proto, learned = recovered(model, proto, params, TITLE, ctx, kept, params.rounds)
            output.notes = (NOTE, learned)
        else:
            threshold = exact_quantile(lambda: map(_magnitudes, tensors), params.sparsity)
            set_to_zero(tensors, lambda _number, values: ~(np.abs(values) < threshold), ctx)
        output.save(proto, TITLE)
        output.weights_kept = False
    return output.artifact


def scheduled(share: float, number: int, rounds: int) -> float:
    """Return the share of zeros after round `number` of `rounds`: fast growth first, slow growth at the end.

    Source: To prune, or not to prune, arXiv 1710.01878 (a cubic schedule from 0).
    """
    return share * (1 - (1 - number / rounds) ** 3)


def _kept(weights: list[Any], share: float) -> list[tuple[Any, Any]]:
    """Return all weights, each with a mask that leaves out the smallest ones."""
    arrays = [np.abs(weight.detach().numpy()).ravel() for weight in weights]
    threshold = float(exact_quantile(lambda: iter(arrays), share))
    return [(weight, weight.detach().abs() >= threshold) for weight in weights]


def _weights(proto: Any) -> Iterator[Any]:
    """Yield each float tensor with two axes or more that feeds a product or a convolution, once."""
    from onnx import TensorProto

    wanted: set[str] = set()
    for graph in onnx_files.graphs(proto.graph):
        for node in graph.node:
            positions = WEIGHT_INPUTS.get(node.op_type, ())
            wanted.update(node.input[i] for i in positions if i < len(node.input))
    for graph in onnx_files.graphs(proto.graph):
        for tensor in graph.initializer:
            floats = tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16)
            if floats and tensor.name in wanted and len(tensor.dims) >= 2:
                yield tensor


def _magnitudes(tensor: Any) -> NDArray[np.float32]:
    from onnx import numpy_helper

    values = np.asarray(numpy_helper.to_array(tensor), np.float32)
    return np.abs(values).ravel()


def exact_quantile(parts: Callable[[], Iterator[NDArray[np.float32]]], share: float) -> np.float32:
    """Return the value below which `share` of all non-negative values lie.

    `parts` yields the values again at each call. The bits of non-negative floats sort like the floats, so two
    histograms of 16 bits each find the value exactly, with only one part in memory at a time.
    """
    high = np.zeros(1 << 16, np.int64)
    for part in parts():
        high += np.bincount(part.view(np.uint32) >> 16, minlength=1 << 16)
    total = int(high.sum())
    rank = min(int(share * total), total - 1)
    prefix = int(np.searchsorted(np.cumsum(high), rank, side="right"))
    rank -= int(high[:prefix].sum())
    low = np.zeros(1 << 16, np.int64)
    for part in parts():
        bits = part.view(np.uint32)
        low += np.bincount(bits[bits >> 16 == prefix] & 0xFFFF, minlength=1 << 16)
    suffix = int(np.searchsorted(np.cumsum(low), rank, side="right"))
    return np.uint32(prefix << 16 | suffix).view(np.float32)


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models without weights."""
    return None if situation.model.products or situation.model.convolutions else NO_WEIGHTS


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Sets the smallest weights to zero. Saves space when compressed; brings no speed on these runtimes.",
    source="Learning both Weights and Connections for Efficient Neural Networks, arXiv 1506.02626; schedule: "
    "To prune, or not to prune, arXiv 1710.01878",
    params=Params,
    apply=apply,
    traits=("quick", "batches"),
    order=80,
    explanation="The smallest numbers become zero. Saves time only where the engine skips zeros.",
    why_not=why_not,
)
