"""Build a pipeline from a graph and its files; guesses where no file states a part are listed in `guessed`."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workers.contracts.specs import BOXES_UNKNOWN, Finding, TensorSpec
from workers.contracts.translation import _
from workers.model_io.facts import Graph, ModelFacts, warning
from workers.model_io.guess.answer import TASK_GUESSED, answer_kind, pick_answer, task_of
from workers.model_io.guess.detection import boxes_steps
from workers.model_io.guess.image import detector_image, guess_image, picture_layout, reader_image
from workers.model_io.guess.masks import mask_steps
from workers.model_io.guess.transcripts import transcript_of
from workers.model_io.meanings import input_meaning, output_meaning
from workers.model_io.preprocess_spec import is_image_spec, spec_from_string
from workers.pipeline.generating import TOKENS
from workers.pipeline.spec import (
    AnswerKind,
    ArraySteps,
    AudioSteps,
    BoxesSteps,
    ImageSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    Postprocess,
    Preprocess,
    Sampling,
    Source,
    TextSteps,
    TranscriptSteps,
)

LEVEL_NAMES = re.compile(r"^(sigma|sigmas|noise_level|noise_std)$", re.I)
"""Names of inputs with the noise level as a standard deviation.

Schedule steps (`timestep`) are numbers whose meaning no file states, so such a network is compared step by step.
"""

CLEAN_NAMES = re.compile(r"denoised|clean|sample|x0|pred_original", re.I)

LEVELS = (80.0, 0.821)
"""First and second noise level of the consistency models of arXiv 2310.14189."""

LOWEST = 0.002


def guess_sampling(inputs: tuple[PipelineInput, ...], answer: TensorSpec) -> Sampling | None:
    """Return a run of two steps if inputs hold a noisy sample and the noise level, and the prediction is clean."""
    levels = [entry for entry in inputs if LEVEL_NAMES.match(entry.name) and len(entry.shape) == 1]
    shape = tuple(size if isinstance(size, int) else None for size in answer.shape)
    noisy = [entry for entry in inputs if entry.shape[1:] == shape[1:] and len(entry.shape) >= 3]
    floats = all(entry.dtype == "float32" for entry in (*levels, *noisy))
    if len(levels) != 1 or len(noisy) != 1 or not floats or not CLEAN_NAMES.search(answer.name):
        return None
    return Sampling(sample=noisy[0].name, level=levels[0].name, levels=LEVELS, lowest=LOWEST)


Shape = tuple[int | None, ...]
_AUDIO_NAMES = re.compile(r"audio|wave|wav$|speech|pcm|sound|input_values", re.I)
_RATE_NAMES = ("sr", "sample_rate", "sampling_rate")
_TOKEN_NAMES: dict[str, Source] = {
    "token_type|segment": "token_type_ids",
    "mask": "attention_mask",
    "position": "position_ids",
    "ids|token": "input_ids",
}
"""Names of a text model's inputs, the first match counts."""
_SILERO_CONTEXT, _SILERO_FRAME, _RATE_HZ = 64, 512, 16_000


def build_spec(
    graph: Graph,
    facts: ModelFacts,
    preprocess: str | None,
    shapes: Mapping[str, Shape],
    items: Mapping[str, tuple[int, ...]] | None = None,
) -> PipelineSpec:
    """Build the whole description.

    `shapes` are the user's sizes for what the model leaves free. `items` are the sizes of one item in the data, which
    take precedence where the model does not state a shape.
    """
    reading = _read_inputs(_with_sizes(graph, items or {}, shapes), facts, shapes, preprocess)
    reading = replace(reading, inputs=tuple(_whole(entry, items or {}) for entry in reading.inputs))
    answer = pick_answer(graph.outputs, reading.links)
    sampling = guess_sampling(reading.inputs, answer)
    kind, guessed = answer_kind(answer, graph.outputs, reading.inputs, reading.preprocess, facts)
    if sampling is not None and kind == "picture":
        kind, guessed = "tensor", ()  # the output of a step network is not an image yet
    task = facts.task or task_of(reading.inputs, reading.preprocess, kind, answer, facts)
    fed = reading.preprocess
    output, result, classes = result_of(graph, answer, reading.inputs, fed, kind, facts)
    if isinstance(result, BoxesSteps) and isinstance(fed, ImageSteps) and "mean" in reading.guessed:
        fed = detector_image(fed, result.form)
    if isinstance(result, TranscriptSteps) and isinstance(fed, ImageSteps) and "mean" in reading.guessed:
        fed = reader_image(fed, next(entry for entry in reading.inputs if entry.source == "image"))
    spec = replace(
        reading,
        task=task,
        preprocess=spec_from_string(preprocess, fed) if preprocess else fed,
        answer_kind=kind,
        scores=facts.scores or "logits",
        classes=classes,
        pooling=(facts.pooling or "mean") if kind == "embedding" and len(answer.shape) == 3 else "none",
        normalize=bool(facts.normalize) and kind == "embedding",
        guessed=() if preprocess else tuple(dict.fromkeys(reading.guessed + guessed + facts.guessed)),
        sampling=sampling,
        postprocess=result,
    )
    if spec.sampling is not None:
        spec = replace(spec, guessed=(*spec.guessed, "sampling"))
    if facts.generation is not None:
        changed: dict[str, Any] = {
            "generation": facts.generation,
            "classes": None,
            "postprocess": None,
            "pooling": "none",
        }
        changed["answer_kind"] = "tokens" if facts.generation.mel is None else "transcript"
        return with_words(replace(spec, **changed), graph.outputs, TOKENS)
    return with_words(spec, graph.outputs, output)


def result_of(
    graph: Graph,
    answer: TensorSpec,
    inputs: tuple[PipelineInput, ...],
    steps: Preprocess,
    kind: AnswerKind,
    facts: ModelFacts,
) -> tuple[str, Postprocess | None, tuple[str, ...] | None]:
    """Return the output that results start with, the steps that read them (None: unchanged), and the class names."""
    if kind == "detection":
        boxes = boxes_steps(graph.outputs, inputs, steps, facts) if isinstance(steps, ImageSteps) else None
        return boxes.boxes if boxes is not None else answer.name, boxes, facts.classes
    if kind == "mask":
        return answer.name, mask_steps(answer, replace(facts, answer_kind="mask")), facts.classes
    if kind == "transcript" and (transcript := transcript_of(answer, facts)) is not None:
        return answer.name, *transcript
    count = answer.shape[-1] if answer.shape else None
    fits = facts.classes is not None and (not isinstance(count, int) or count == len(facts.classes))
    return answer.name, None, facts.classes if fits else None


def _whole(entry: PipelineInput, items: Mapping[str, tuple[int, ...]]) -> PipelineInput:
    """Mark an input as unbatched if its first size is part of each item in the data."""
    item = items.get(entry.name, items.get("x", ()))
    first = entry.shape[0] if entry.shape else None
    is_whole = entry.source == "array" and first not in (None, 1) and len(item) == len(entry.shape) and item[0] == first
    return replace(entry, batched=False) if is_whole else entry


def reread(spec: PipelineSpec, graph: Graph, facts: ModelFacts) -> PipelineSpec:
    """Determine the prediction again after sources or links of inputs changed."""
    answer = pick_answer(graph.outputs, spec.links)
    kind, guessed = answer_kind(answer, graph.outputs, spec.inputs, spec.preprocess, facts)
    output, steps, classes = result_of(graph, answer, spec.inputs, spec.preprocess, kind, facts)
    task = facts.task or task_of(spec.inputs, spec.preprocess, kind, answer, facts)
    guesses = with_task_guess(spec.guessed, is_guess=TASK_GUESSED in guessed)
    changed = replace(spec, answer_kind=kind, postprocess=steps, task=task, classes=classes, guessed=guesses)
    return with_words(changed, graph.outputs, output)


def with_task_guess(guessed: tuple[str, ...], *, is_guess: bool) -> tuple[str, ...]:
    """Return the names of guessed parts with or without the task."""
    others = tuple(name for name in guessed if name != TASK_GUESSED)
    return (*others, TASK_GUESSED) if is_guess else others


def with_words(spec: PipelineSpec, outputs: tuple[TensorSpec, ...], answer: str) -> PipelineSpec:
    """Fill in the meanings, which need the rest of the description."""
    inputs = tuple(replace(entry, meaning=input_meaning(entry, spec.preprocess)) for entry in spec.inputs)
    return with_output_words(replace(spec, inputs=inputs, outputs=tuple(described(one, answer) for one in outputs)))


def described(output: TensorSpec, answer: str) -> PipelineOutput:
    """Describe an output of a graph; `answer` is the name of the one that holds the prediction."""
    return PipelineOutput(name=output.name, dtype=output.dtype, shape=sizes(output.shape), answer=output.name == answer)


def with_output_words(spec: PipelineSpec) -> PipelineSpec:
    """Fill in the meanings of the outputs."""
    return replace(spec, outputs=tuple(replace(entry, meaning=output_meaning(spec, entry)) for entry in spec.outputs))


def sizes(shape: tuple[int | str | None, ...]) -> Shape:
    """Replace the names of free sizes by None."""
    return tuple(size if isinstance(size, int) else None for size in shape)


def _read_inputs(graph: Graph, facts: ModelFacts, shapes: Mapping[str, Shape], preprocess: str | None) -> PipelineSpec:
    """Return a description with the inputs, their sources and the preparation alone."""
    specs = [_with_shape(spec, shapes, len(graph.inputs) == 1) for spec in graph.inputs]
    links = _links(specs, graph.outputs)
    rates = [spec for spec in specs if spec.name.lower() in _RATE_NAMES and spec.dtype.startswith("int")]
    world = [spec for spec in specs if spec.name not in links and spec not in rates]
    tokens = [_token_source(spec) for spec in world]
    extra = (
        *(_input(spec, "state") for spec in specs if spec.name in links),
        *(_input(spec, "constant", _RATE_HZ) for spec in rates),
    )
    if "input_ids" in tokens and all(tokens):
        first = _text_inputs(world, facts)
    elif len(world) == 1 and _is_audio(world[0], bool(extra)):
        first = _audio_input(world[0], facts, in_steps=bool(extra))
    elif len(world) == 1 and picture_layout(world[0], facts, preprocess is not None and is_image_spec(preprocess)):
        steps, guessed = guess_image(world[0], facts, graph.outputs)
        first = _reading((_input(world[0], "image"),), steps, guessed)
    else:
        first = _reading(tuple(_input(spec, "array") for spec in world), ArraySteps())
    order = {spec.name: number for number, spec in enumerate(graph.inputs)}
    inputs = tuple(sorted((*first.inputs, *extra), key=lambda entry: order[entry.name]))
    return replace(first, inputs=inputs, links=links)


def _reading(inputs: tuple[PipelineInput, ...], steps: Preprocess, guessed: tuple[str, ...] = ()) -> PipelineSpec:
    return PipelineSpec(
        task="arrays", inputs=inputs, outputs=(), preprocess=steps, answer_kind="tensor", guessed=guessed
    )


def _input(spec: TensorSpec, source: Source, constant: int | None = None) -> PipelineInput:
    shape = sizes(spec.shape)
    batched = bool(shape) and source != "state"
    return PipelineInput(
        name=spec.name, dtype=spec.dtype, shape=shape, source=source, constant=constant, batched=batched
    )


def _with_shape(spec: TensorSpec, shapes: Mapping[str, Shape], only: bool) -> TensorSpec:
    """Fill in free sizes from the user's shape; a free batch stays free."""
    given = shapes.get(spec.name) or (shapes.get("") if only else None)
    if not given or (spec.shape and len(given) != len(spec.shape)):
        return spec
    own = spec.shape or (None,) * len(given)
    filled = tuple(size if isinstance(size, int) or axis == 0 else given[axis] for axis, size in enumerate(own))
    return spec.model_copy(update={"shape": filled})


def _with_sizes(graph: Graph, items: Mapping[str, tuple[int, ...]], shapes: Mapping[str, Shape]) -> Graph:
    """Fill in missing input shapes from the data behind a free batch, else from the user, else the implied ones."""
    only = len(graph.inputs) == 1

    def changed(spec: TensorSpec) -> TensorSpec:
        item = items.get(spec.name, items.get("x", ()) if only else ())
        implied = graph.implied.get(spec.name, ())
        shape = (None, *item) if item and _goes_with(item, implied) else implied
        named = spec.name in shapes or (only and "" in shapes)
        return spec if spec.shape or not shape or (named and not item) else spec.model_copy(update={"shape": shape})

    return replace(graph, inputs=tuple(changed(spec) for spec in graph.inputs))


def _goes_with(item: tuple[int, ...], implied: Shape) -> bool:
    """Return whether an item of the data fits the graph; a product takes any number of axes before its last."""
    if len(implied) == 2:
        return item[-1] == implied[1]
    if len(implied) != len(item) + 1:
        return not implied
    return all(want in (None, have) for want, have in zip(implied[1:], item, strict=True))


def _token_source(spec: TensorSpec) -> Source | None:
    if not spec.dtype.startswith("int") or len(spec.shape) not in (0, 2):
        return None
    return next((source for pattern, source in _TOKEN_NAMES.items() if re.search(pattern, spec.name, re.I)), None)


def _text_inputs(world: list[TensorSpec], facts: ModelFacts) -> PipelineSpec:
    inputs = tuple(
        replace(_input(spec, source), optional=source != "input_ids")
        for spec in world
        if (source := _token_source(spec))
    )
    if facts.tokenizer is None:
        return _reading(inputs, ArraySteps(), ("tokenizer",))
    fixed = next((size for entry in inputs for size in entry.shape[1:] if size), None)
    limit = facts.max_length or 512
    steps = TextSteps(max_length=min(limit, fixed) if fixed else limit)
    return _reading(inputs, steps, () if facts.max_length or fixed else ("max_length",))


def _is_audio(spec: TensorSpec, stateful: bool) -> bool:
    fits = spec.dtype in ("float32", "float16") and len(spec.shape) in (2, 3)
    return fits and (_AUDIO_NAMES.search(spec.name) is not None or (stateful and len(spec.shape) == 2))


def _audio_input(spec: TensorSpec, facts: ModelFacts, in_steps: bool) -> PipelineSpec:
    """Return the reading of an audio input.

    Frames of 512 samples after 64 of context are silero-vad's at 16 kHz; another fixed width is one frame. A model of
    any width without `in_steps` (no state, no rate) takes a sound of any length.
    """
    width = sizes(spec.shape)[-1]
    whole = _SILERO_CONTEXT + _SILERO_FRAME
    if isinstance(facts.preprocess, AudioSteps):
        return _reading((_input(spec, "audio"),), facts.preprocess)
    if width is None and not in_steps:
        steps = AudioSteps(frame_samples=0)
    elif width in (None, whole):
        steps = AudioSteps(frame_samples=_SILERO_FRAME, context_samples=_SILERO_CONTEXT)
    else:
        steps = AudioSteps(frame_samples=width or _RATE_HZ)
    return _reading((_input(spec, "audio"),), steps, ("sample_rate", "frame", "context"))


def _links(inputs: list[TensorSpec], outputs: tuple[TensorSpec, ...]) -> dict[str, str]:
    """Return state inputs and the outputs that feed them: `state` → `stateN`, `h` → `hn`, same type and rank."""
    links: dict[str, str] = {}
    for spec in inputs:
        for output in outputs:
            names = {f"{spec.name}{tail}".lower() for tail in ("n", "_n", "out", "_out", "_next", ".1")}
            names |= {f"{head}_{spec.name}".lower() for head in ("new", "next", "out")}
            same = output.dtype == spec.dtype and len(output.shape) == len(spec.shape) > 1
            if output.name.lower() in names and same:
                links[spec.name] = output.name
    return links if len(links) < len(inputs) else {}


def result_findings(facts: ModelFacts, spec: PipelineSpec) -> tuple[Finding, ...]:
    """Return warnings about class names of another number than the scores and about boxes of an unknown form."""
    if spec.answer_kind == "detection" and spec.postprocess is None:
        what = _("It finds things in pictures, but the form of its boxes is not known. They are compared as numbers.")
        return (Finding(level="warning", what=what, code=BOXES_UNKNOWN),)
    answer = next((entry for entry in spec.outputs if entry.answer), None)
    count = answer.shape[-1] if answer is not None and answer.shape else None
    if not facts.classes or spec.answer_kind != "class" or count in (None, len(facts.classes)):
        return ()
    what = _("Its files name {0:,} classes, and it gives {1:,} scores, so the names are not used.").format(
        len(facts.classes), count
    )
    return (warning(what),)
