"""Remove whole channels from the model and let it learn from the original."""

import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, JsonValue

from workers.contracts.planning import NO_EXAMPLES, Fitted, Reason, Situation
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.convert.graphs import onnx_files
from workers.convert.output import need_onnx, new_model
from workers.convert.replica.torch_replica import TorchReplica, build, look, no_twin, tensors, threads
from workers.prune.channels import Pruner
from workers.prune.fine_tuning import LearningParams, Material, Trainer, WillNotHold, in_batches
from workers.prune.heads import cut
from workers.prune.recovery import prepare, write_back
from workers.quantize.calibrating.similarity import Alike

ID = "structured_prune"
TITLE = mark("Structured pruning")
MIN_LEARNING_S = 600.0
"""Shortest run in seconds in which it is tried; all cheap techniques fit into less."""

LEARNING_SHARE = 0.3
"""Share of the run's time for learning; learning that cannot meet the limit stops much earlier."""

SHOWN = 64
"""Number of examples on which the channels' values are recorded."""

SHOWING_SHARE = 0.05
"""Share of the allowed time after which recording stops in each round."""


Pruned = tuple[Any, int, Alike]
"""A pruned graph, its number of channels, and the similarity of its predictions."""


class Params(LearningParams):
    """Parameters of structured pruning: the share to remove, the rounds, and the time for learning."""

    share: float = Field(
        title="Share of channels",
        default=0.3,
        ge=0.05,
        le=0.7,
        description="Share of the channels that go, the least important ones first.",
    )
    heads: float = Field(
        title="Share of attention heads",
        default=0.0,
        ge=0,
        le=0.7,
        description="Share of each attention block's heads that go at the beginning.",
    )
    rounds: int = Field(default=3, ge=1, le=20, description="Steps of the removal; after each the model learns.")
    by: Literal["others", "magnitude"] = Field(
        title="Least important by",
        default="others",
        description="others: channels go first that others can replace, measured on examples. "
        "magnitude: those with the smallest weights go first.",
    )
    until: Literal["share", "limit"] = Field(
        title="Stop at",
        default="share",
        description="share: take out that share or give up. limit: go on round by round as long as answers stay "
        "alike, and keep the last that were.",
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Prune and learn in rounds; the graph keeps its input and output names, their shapes and the operator set."""
    proto = onnx_files.load(need_onnx(model, TITLE))
    with threads(ctx.threads), new_model(model, ID, params, ctx) as output:
        student, teacher, material = prepare(model, proto, params, TITLE, ctx)
        gone, heads = 0, 0
        if params.heads > 0:
            fewer, gone, heads = cut(student.proto, params.heads)
            student = build(fewer, TITLE)
            look(student, material.items[0])
        pruner = _pruner(student, material, params, ctx)
        before = (pruner.channels, count_weights(proto))
        course = Trainer(student, teacher, material, params, ctx, params.rounds)
        proto, channels, alike = _rounds(pruner, course, params, ctx)
        after = (channels, count_weights(proto))
        if after[1] >= before[1]:
            raise no_twin(TITLE, _("this share is too small to remove a whole group of channels"))
        output.save(proto, TITLE)
        output.notes = _notes(before, after, course.summary(alike))
        output.weights_kept = False
        if params.heads > 0:
            output.notes = (_heads_note(gone, heads), *output.notes)
    return output.artifact


def _pruner(student: TorchReplica, material: Material, params: Params, ctx: JobContext) -> Pruner:
    def show() -> None:
        end_s = time.monotonic() + SHOWING_SHARE * params.max_s
        for number, request in enumerate(in_batches(material.items[:SHOWN], material.spec, params.batch)):
            ctx.check_cancelled()
            if number > 0 and time.monotonic() > end_s:
                break
            student.module(*tensors(request, student.inputs))

    example = tensors(material.items[0], student.inputs)
    try:
        return Pruner(student, example, params.share, params.rounds, params.by, show)
    except ValueError as error:
        raise no_twin(TITLE, _("none of its layers has channels that nothing else depends on")) from error


def _rounds(pruner: Pruner, course: Trainer, params: Params, ctx: JobContext) -> Pruned:
    """Return the pruned graph after all rounds, or after the last round that was similar enough.

    Raises:
        WillNotHold: no round was similar enough.
    """
    kept: Pruned | None = None
    try:
        for number in in_steps(ctx, mark("Remove channels"), range(params.rounds), "rounds"):
            course.in_time()
            pruner.step()
            alike = course.round()
            if number == params.rounds - 1 or params.until == "limit":
                course.must_hold(alike)
                kept = write_back(course.student), pruner.channels, alike
    except WillNotHold as error:
        if kept is None:
            raise
        ctx.log(error.detail)
    assert kept is not None
    return kept


def count_weights(proto: Any) -> int:
    """Return the number of values in all initializers of the graph."""
    import math

    return sum(math.prod(tensor.dims) for tensor in proto.graph.initializer)


def _notes(before: tuple[int, int], after: tuple[int, int], summary: str) -> tuple[str, ...]:
    channels, weights = (1 - new / old for old, new in zip(before, after, strict=True))
    return (
        _("{0} of the channels that could be removed were removed, and with them {1} of all weights.").format(
            percent(channels, 0), percent(weights, 0)
        ),
        summary,
    )


def _heads_note(gone: int, heads: int) -> str:
    if heads == 0:
        return mark("No attention heads were removed: the model has none, or its graph does not show them.")
    return _("{0} of {1} attention heads were removed.").format(gone, heads)


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models that torch cannot rebuild, and runs without examples or time to learn."""
    model, budget_s = situation.model, situation.time_budget_s
    if not situation.has_calibration:
        return NO_EXAMPLES
    if model.stateful or model.branches or model.precision != "fp32":
        words = mark("It learns in PyTorch, which cannot take back a model with a state, branches or small numbers.")
        return Reason(code="not_for_torch", text=words)
    if model.products + model.convolutions < 2:
        return Reason(code="nothing_narrower", text=mark("The model has no layers that could become narrower."))
    if budget_s is not None and budget_s < MIN_LEARNING_S:
        words = _("It has to learn, which takes minutes; it is tried in runs of {0:.0f} minutes or more.")
        return Reason(code="no_time", text=words.format(MIN_LEARNING_S / 60))
    return None


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Give it its share of the run's time if the recipe does not set a limit."""
    budget_s = situation.time_budget_s
    return Fitted(given if budget_s is None else {"max_s": round(LEARNING_SHARE * budget_s), **given})


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Makes layers narrower where that changes little, and lets the model learn from the original what it lost.",
    source="DepGraph: Towards Any Structural Pruning, arXiv 2301.12900, by torch-pruning; ranked and made up for by "
    "interpolative decomposition, arXiv 2108.00065; recovery by distillation, arXiv 1503.02531",
    params=Params,
    apply=apply,
    needs_calibration=True,
    traits=("speed", "size", "batches"),
    order=90,
    explanation="Layers become narrower where others can stand in, and learn from the original.",
    why_not=why_not,
    fit=fit,
    requires=("onnx", "onnxruntime", "torch", "torch_pruning"),
)
