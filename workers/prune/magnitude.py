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
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.prune.distillation_set import masked, prepare, threads
from workers.prune.fine_tuning import LearningParams, Trainer, WillNotHold, refused
from workers.prune.written_back import write_back

ID = "magnitude_prune"
TITLE = "Magnitude pruning"
WEIGHT_INPUTS = {
    **dict.fromkeys(("Conv", "ConvTranspose"), (1,)),
    **dict.fromkeys(("MatMul", "Gemm"), (0, 1)),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (1, 2)),
}
NOTE = (
    "Zeros bring speed only where a runtime uses them. None of the runtimes here does so for single zeros, so expect "
    "the same speed; the file gets smaller only when it is compressed."
)

NO_WEIGHTS = Reason(code="no_weights", text="The model has no layers whose weights could become zero.")


class Params(LearningParams):
    """Parameters of magnitude pruning: the share of zeros, and whether the other weights learn afterwards."""

    sparsity: float = Field(
        default=0.5, ge=0.05, le=0.95, description="Share of all weights that become zero, the smallest first."
    )
    recover: bool = Field(
        default=False,
        description="Let the other weights learn from the original's answers on your examples. What follows is about "
        "that alone.",
    )
    rounds: int = Field(
        default=4, ge=1, le=20, description="Steps in which weights become zero, most of them in the first ones."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Zero weights of products and convolutions below one common threshold; biases and embeddings stay unchanged.

    Raises:
        InputRefused: the model has no weights, or learning is requested and cannot meet the limit in the given time.
    """
    source = need_onnx(model, TITLE)
    ctx.check_cancelled()
    proto = onnx_files.load(source)
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
        notes: tuple[str, ...] = (NOTE,)
        if params.recover:
            proto, learned = _with_recovery(model, proto, params, ctx)
            notes = (NOTE, learned)
        else:
            _set_to_zero(tensors, params.sparsity, ctx)
        output.save(proto, TITLE)
        output.notes = notes
        output.weights_kept = False
    return output.artifact


def _set_to_zero(tensors: list[Any], share: float, ctx: JobContext) -> None:
    threshold = exact_quantile(lambda: (_magnitudes(tensor) for tensor in tensors), share)
    for number, tensor in enumerate(tensors, start=1):
        ctx.check_cancelled()
        _zero_below(tensor, threshold)
        ctx.progress("Set weights to zero", number, len(tensors), "layers")


def _with_recovery(model: Model, proto: Any, params: Params, ctx: JobContext) -> tuple[Any, str]:
    """Return the graph with zeros and compensating weights, and a sentence that reports it."""
    with threads(ctx.threads):
        student, teacher, material = prepare(model, proto, params, TITLE, ctx)
        layers = [step.layer.module for step in student.steps if step.layer is not None and step.layer.kind != "norm"]
        course = Trainer(student, teacher, material, params, ctx, params.rounds)
        try:
            for number in range(1, params.rounds + 1):
                course.in_time()
                share = scheduled(params.sparsity, number, params.rounds)
                course.keep = _masks([layer.weight for layer in layers], share)
                course.keep()
                alike = course.round()
            course.must_hold(alike)
        except WillNotHold as error:
            raise refused(error) from error
        ctx.check_cancelled()
        return write_back(student), course.summary(alike)


def scheduled(share: float, number: int, rounds: int) -> float:
    """Return the share of zeros after round `number` of `rounds`: fast growth first, slow growth at the end.

    Source: To prune, or not to prune, arXiv 1710.01878 (a cubic schedule from 0).
    """
    return share * (1 - (1 - number / rounds) ** 3)


def _masks(weights: list[Any], share: float) -> Callable[[], None]:
    """Return a function that sets the smallest weights to zero, to be called after each learning step."""
    arrays = [np.abs(weight.detach().numpy()).ravel() for weight in weights]
    threshold = float(exact_quantile(lambda: iter(arrays), share))
    return masked(weights, [weight.detach().abs() >= threshold for weight in weights])


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


def _zero_below(tensor: Any, threshold: np.float32) -> None:
    from onnx import numpy_helper

    weights = np.array(numpy_helper.to_array(tensor))
    weights[np.abs(weights) < threshold] = 0
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))


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
