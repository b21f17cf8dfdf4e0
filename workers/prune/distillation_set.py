"""Prepare what a pruned model learns with: its torch copy, the original as the teacher, and examples."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.convert.asking import engines
from workers.convert.graphs import onnx_files
from workers.convert.replica.torch_replica import TorchReplica, build, check, no_twin
from workers.infer.base import NotRunnable
from workers.prune.fine_tuning import LearningParams, Material
from workers.quantize.calibrating import similarity
from workers.quantize.calibrating.holdout import set_aside

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
        raise no_twin(title, "this model carries a state from call to call")
    if any(entry.batched and (entry.shape[entry.batch_axis] or 1) > 1 for entry in spec.inputs if entry.shape):
        raise no_twin(title, "this model takes several examples at once and no single one")
    if "pixels" in model.artifact.settings:
        raise no_twin(title, "this one prepares pictures itself by now, so the step that does that has to come later")
    student = build(onnx_files.copied(proto), title)
    learn, aside = set_aside(ctx, params.examples, params.check_examples)
    ctx.check_cancelled()
    session = _session(model, title, ctx)
    try:
        gap = check(student, session, learn[:CHECKED], title)
    finally:
        session.close()
    ctx.log(f"The copy in PyTorch answers as the model does; the largest difference is {gap:.1e} of an answer's size.")
    teacher = build(onnx_files.copied(proto), title)
    material = Material(learn, similarity.hold(model, aside, ctx), spec)
    return student, teacher, material


def _session(model: Model, title: str, ctx: JobContext) -> Any:
    try:
        return engines.open_file(model.main, model, "onnxruntime-cpu", ctx.threads)
    except NotRunnable as error:
        raise onnx_files.broken(title, error) from error


def masked(weights: list[Any], kept: list[Any]) -> Callable[[], None]:
    """Return a function that sets all weights to zero that `kept` does not mark, to be called after each step."""
    import torch

    def keep() -> None:
        with torch.no_grad():
            for weight, stays in zip(weights, kept, strict=True):
                weight.mul_(stays)

    return keep


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of torch threads inside this context."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
