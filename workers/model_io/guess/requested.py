"""Read results as the user requests (``--task``, ``--score-threshold``) instead of as guessed."""

from collections.abc import Mapping
from dataclasses import replace

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.contracts.proof.results import READ_AS, read_as
from workers.contracts.specs import TensorSpec
from workers.contracts.translation import _, joined, mark
from workers.model_io.facts import Graph, ModelFacts
from workers.model_io.guess.answer import TASKS, pick_answer, task_of
from workers.model_io.guess.spec import result_of, with_task_guess, with_words
from workers.model_io.words import refuse, shown
from workers.pipeline.spec import AnswerKind, BoxesSteps, MaskSteps, PipelineSpec

KINDS: Mapping[str, AnswerKind] = {
    "detection": "detection",
    "class": "class",
    "labels": "labels",
    "segmentation": "mask",
    "picture": "picture",
    "transcript": "transcript",
    "embedding": "embedding",
    "numbers": "tensor",
    "regression": "tensor",
}
"""Kind of results of each choice of ``--task`` that can be read from any model."""

UNREADABLE: Mapping[AnswerKind, str] = {
    "detection": mark("None of the known forms of detectors fits its outputs ({shapes})."),
    "mask": mark("{name} holds no planes over a picture."),
    "transcript": mark("Its files name no character for each of its scores."),
}
"""Why results cannot be read as kinds that need steps after the model."""


def as_requested(spec: PipelineSpec, graph: Graph, facts: ModelFacts, params: OpenParams) -> PipelineSpec:
    """Return the description that reads results as `params` requests.

    Raises:
        InputRefused: this model's results cannot be read like that.
    """
    if params.task is not None and params.task != read_as(spec).id:
        spec = _read_as(params.task, spec, graph, facts)
    if params.task is not None:
        spec = replace(spec, guessed=with_task_guess(spec.guessed, is_guess=False))
    steps = spec.postprocess
    if params.score_threshold is None:
        return spec
    if isinstance(steps, BoxesSteps):
        return replace(spec, postprocess=replace(steps, score_threshold=params.score_threshold))
    if isinstance(steps, MaskSteps) and steps.threshold is not None:
        return replace(spec, postprocess=replace(steps, threshold=params.score_threshold))
    raise refuse(
        "no_threshold",
        "These results have no threshold",
        _("They are read as {0}; --score-threshold is for boxes and masks of one plane.").format(
            read_as(spec).describe(spec)
        ),
        "Leave it out, or choose with --task how to read the results.",
    )


def _read_as(task: str, spec: PipelineSpec, graph: Graph, facts: ModelFacts) -> PipelineSpec:
    kind, answer = KINDS.get(task), pick_answer(graph.outputs, spec.links)
    if kind is None:
        raise _unfit(task, spec, _("You cannot choose results of this kind."))
    if kind in UNREADABLE:
        stated = replace(facts, task=TASKS[kind])
        output, steps, classes = result_of(graph, answer, spec.inputs, spec.preprocess, kind, stated)
        if steps is None:
            shapes = ", ".join(f"{output.name} {'×'.join(map(str, output.shape))}" for output in graph.outputs[:4])
            raise _unfit(task, spec, _(UNREADABLE[kind]).format(name=answer.name, shapes=shown(shapes, 300)))
        changed = replace(spec, answer_kind=kind, task=TASKS[kind], postprocess=steps, classes=classes)
        return with_words(changed, graph.outputs, output)
    _refuse_other_shape(task, kind, spec, answer)
    name = spec.task
    if kind in ("class", "labels", "embedding"):
        name = task_of(spec.inputs, spec.preprocess, "class" if kind == "labels" else kind, answer, facts)
    return with_words(replace(spec, answer_kind=kind, task=name, postprocess=None), graph.outputs, answer.name)


def _refuse_other_shape(task: str, kind: AnswerKind, spec: PipelineSpec, answer: TensorSpec) -> None:
    if kind in ("class", "labels") and len(answer.shape) != 2:
        raise _unfit(
            task, spec, _("Scores of classes are one row for each example, and {0} is none.").format(answer.name)
        )
    if kind == "picture" and len(answer.shape) != 4:
        raise _unfit(task, spec, _("{0} holds no planes of a picture.").format(answer.name))


def _unfit(task: str, spec: PipelineSpec, detail: str) -> InputRefused:
    title = next((kind.title for kind in READ_AS if kind.id == task), task)
    return refuse(
        "task_unfit",
        "Its results cannot be read like that",
        joined([_("You requested “{0}”.").format(_(title)), detail]),
        _("Leave --task out to read them as {0}, or use --task numbers.").format(read_as(spec).describe(spec)),
    )
