"""Read results as the user requests (``--task``, ``--score-threshold``) instead of as guessed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.contracts.proof.results import READ_AS, read_as
from workers.model_io.facts import Graph, ModelFacts
from workers.model_io.guess.answer import pick_answer
from workers.model_io.guess.detection import boxes_steps
from workers.model_io.guess.masks import mask_steps
from workers.model_io.guess.spec import with_guess, with_words
from workers.model_io.guess.transcripts import transcript_of
from workers.model_io.words import refuse
from workers.pipeline.spec import BoxesSteps, ImageSteps, MaskSteps, PipelineSpec


def as_requested(spec: PipelineSpec, graph: Graph, found: ModelFacts, params: OpenParams) -> PipelineSpec:
    """Return the description that reads results as `params` requests.

    Raises:
        InputRefused: this model's results cannot be read like that.
    """
    told = spec
    if params.task is not None and params.task != read_as(spec).id:
        if params.task not in WAYS:
            raise _unfit(params.task, spec, "Results of this kind cannot be chosen by hand yet.")
        told = WAYS[params.task](spec, graph, found)
    if params.task is not None:
        told = replace(told, guessed=with_guess(told.guessed, is_guess=False))
    if params.score_threshold is None:
        return told
    steps = told.postprocess
    if not isinstance(steps, BoxesSteps) and not (isinstance(steps, MaskSteps) and steps.threshold is not None):
        raise refuse(
            "no_threshold",
            "These results have no threshold",
            f"They are read as {read_as(told).told(told)}; --score-threshold is for boxes and masks of one plane.",
            "Leave it out, or say with --task how results are to be read.",
        )
    if isinstance(steps, BoxesSteps):
        return replace(told, postprocess=replace(steps, score_threshold=params.score_threshold))
    return replace(told, postprocess=replace(steps, threshold=params.score_threshold))


def _boxes(spec: PipelineSpec, graph: Graph, found: ModelFacts) -> PipelineSpec:
    steps = spec.preprocess
    boxes = boxes_steps(graph.outputs, spec.inputs, steps, found) if isinstance(steps, ImageSteps) else None
    if boxes is None:
        shapes = ", ".join(f"{output.name} {'×'.join(map(str, output.shape))}" for output in graph.outputs[:4])
        detail = f"None of the known forms of detectors fits its outputs ({shapes[:300]})."
        raise _unfit("detection", spec, detail)
    told = replace(spec, answer_kind="detection", task="object-detection", postprocess=boxes, classes=found.classes)
    return with_words(told, graph.outputs, boxes.boxes)


def _plain(kind: str) -> Callable[[PipelineSpec, Graph, ModelFacts], PipelineSpec]:
    """Return a function that uses the prediction output unchanged."""

    def change(spec: PipelineSpec, graph: Graph, found: ModelFacts) -> PipelineSpec:
        answer = pick_answer(graph.outputs, spec.links).name
        shape = next(output.shape for output in graph.outputs if output.name == answer)
        if kind in ("class", "labels") and len(shape) != 2:
            raise _unfit(kind, spec, f"Scores of classes are one row for each example, and {answer} is none.")
        if kind == "picture" and len(shape) != 4:
            raise _unfit(kind, spec, f"{answer} holds no planes of a picture.")
        update: dict[str, Any] = {"answer_kind": kind, "postprocess": None}
        return with_words(replace(spec, **update), graph.outputs, answer)

    return change


def _mask(spec: PipelineSpec, graph: Graph, found: ModelFacts) -> PipelineSpec:
    answer = pick_answer(graph.outputs, spec.links)
    steps = mask_steps(answer, replace(found, task="image-segmentation"))
    if steps is None:
        raise _unfit("segmentation", spec, f"{answer.name} holds no planes over a picture.")
    told = replace(spec, answer_kind="mask", task="image-segmentation", postprocess=steps, classes=found.classes)
    return with_words(told, graph.outputs, answer.name)


def _transcript(spec: PipelineSpec, graph: Graph, found: ModelFacts) -> PipelineSpec:
    answer = pick_answer(graph.outputs, spec.links)
    read = transcript_of(answer, found)
    if read is None:
        raise _unfit("transcript", spec, "Its files name no character for each of its scores.")
    steps, names = read
    told = replace(spec, answer_kind="transcript", task="transcription", postprocess=steps, classes=names)
    return with_words(told, graph.outputs, answer.name)


WAYS: Mapping[str, Callable[[PipelineSpec, Graph, ModelFacts], PipelineSpec]] = {
    "detection": _boxes,
    "class": _plain("class"),
    "labels": _plain("labels"),
    "segmentation": _mask,
    "picture": _plain("picture"),
    "transcript": _transcript,
    "embedding": _plain("embedding"),
    "numbers": _plain("tensor"),
    "regression": _plain("tensor"),
}


def _unfit(task: str, spec: PipelineSpec, detail: str) -> InputRefused:
    title = next((way.title for way in READ_AS if way.id == task), task)
    return refuse(
        "task_unfit",
        "Its results cannot be read so",
        f"“{title}” was asked for. {detail}",
        f"Leave --task out: they are then read as {read_as(spec).told(spec)}. Or say --task numbers.",
    )
