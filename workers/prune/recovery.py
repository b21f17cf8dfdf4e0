"""Let a pruned model recover: its torch copy learns from the original on examples, and goes back into the graph."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.pipeline import read_pipeline
from workers.contracts.planning import Reason
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import engines
from workers.convert.replica.torch_replica import TorchReplica, build, check, no_twin, threads
from workers.infer.base import NotRunnable
from workers.prune.fine_tuning import LearningParams, Material, Trainer
from workers.quantize.calibrating import similarity
from workers.quantize.calibrating.similarity import set_aside

NO_WEIGHTS = Reason(code="no_weights", text=mark("The model has no layers whose weights could become zero."))

CHECKED = 3
"""Number of requests on which a torch copy is compared with its graph."""


def prepare(
    model: Model, proto: Any, params: LearningParams, title: str, ctx: JobContext
) -> tuple[TorchReplica, TorchReplica, Material]:
    """Return student and teacher (two copies of the model in torch, checked against it) and the learning material.

    Raises:
        InputRefused: the model has no exact copy in torch, carries a state, or has too few examples.
    """
    spec = read_pipeline(model.folder)
    if spec.links:
        raise no_twin(title, _("this model carries a state from call to call"))
    if any(entry.batched and (entry.shape[entry.batch_axis] or 1) > 1 for entry in spec.inputs if entry.shape):
        raise no_twin(title, _("this model takes several examples at once and no single one"))
    if "pixels" in model.artifact.settings:
        why = _("this one prepares pictures itself by now, so the step that does that has to come later")
        raise no_twin(title, why)
    student = build(onnx_files.copied(proto), title)
    learn, aside = set_aside(ctx, params.examples, params.check_examples)
    ctx.check_cancelled()
    with contextlib.closing(_session(model, title, ctx)) as session:
        gap = check(student, session, learn[:CHECKED], title)
    ctx.log(f"The copy in PyTorch answers as the model does; the largest difference is {gap:.1e} of an answer's size.")
    teacher = build(onnx_files.copied(proto), title)
    material = Material(learn, similarity.hold(model, aside, ctx), spec)
    return student, teacher, material


def _session(model: Model, title: str, ctx: JobContext) -> Any:
    try:
        return engines.open_file(model.main, model, "onnxruntime-cpu", ctx.threads)
    except NotRunnable as error:
        raise onnx_files.broken(title, error) from error


def set_to_zero(
    tensors: Sequence[Any], kept: Callable[[int, NDArray[Any]], NDArray[np.bool_]], ctx: JobContext
) -> None:
    """Set weights to zero in place; `kept(number, values)` marks those of the tensor of that number that stay."""
    from onnx import numpy_helper

    for number, tensor in enumerate(tensors):
        ctx.check_cancelled()
        values = numpy_helper.to_array(tensor)
        values = np.where(kept(number, values), values, np.zeros((), values.dtype))
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        ctx.progress("Set weights to zero", number + 1, len(tensors), "layers")


def recovered(
    model: Model,
    proto: Any,
    params: LearningParams,
    title: str,
    ctx: JobContext,
    kept: Callable[[TorchReplica, int], list[tuple[Any, Any]]],
    rounds: int = 1,
) -> tuple[Any, str]:
    """Return the graph with zeros and compensating weights, and a sentence that reports it.

    `kept(student, number)` returns the weights with zeros of each round, from 1 on, and which of them stay.

    Source: Accelerating Sparse Deep Neural Networks, arXiv 2104.08378, section 3 (prune, then train with the mask).

    Raises:
        WillNotHold: the limit cannot be met in the given time.
    """
    with threads(ctx.threads):
        student, teacher, material = prepare(model, proto, params, title, ctx)
        trainer = Trainer(student, teacher, material, params, ctx, rounds)
        for number in range(1, rounds + 1):
            trainer.in_time()
            trainer.mask(kept(student, number))
            alike = trainer.round()
        trainer.must_hold(alike)
        ctx.check_cancelled()
        return write_back(student), trainer.summary(alike)


def write_back(twin: TorchReplica) -> Any:
    """Return a new ModelProto with the copy's current weights; inputs, outputs and all else stay unchanged."""
    from onnx import numpy_helper

    proto = onnx_files.copied(twin.proto)
    new: dict[str, Any] = {name: parameter.detach().numpy() for name, parameter in twin.parameters.items()}
    for number, (step, node) in enumerate(zip(twin.steps, proto.graph.node, strict=True)):
        if step.layer is not None:
            for position, array in enumerate(step.layer.arrays(step.attributes), start=1):
                name = f"{node.input[position]}_{number}"  # two nodes may have shared one, and differ now
                node.input[position] = name
                new[name] = array
            for attribute in node.attribute:
                if attribute.name == "group":
                    attribute.i = step.layer.module.groups
        elif step.flat:
            name = f"{node.input[1]}_{number}"
            node.input[1] = name
            new[name] = np.array([0, -1], np.int64)
            attribute = next((a for a in node.attribute if a.name == "allowzero"), None)
            if attribute is not None:
                node.attribute.remove(attribute)
    kept = [tensor for tensor in proto.graph.initializer if tensor.name not in new]
    kept += [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in new.items()]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    del proto.graph.value_info[:]  # they hold the old sizes
    onnx_files.drop_unused(proto)
    return proto
