"""Determine the kind of a model's predictions: scores of classes, an embedding, boxes, or numbers."""

import re
from collections.abc import Mapping, Sequence

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.model_io.guess.detection import gives_boxes
from workers.model_io.guess.masks import gives_picture, looks_like_class_planes, mask_steps
from workers.model_io.guess.transcripts import transcript_of
from workers.pipeline.spec import (
    AnswerKind,
    ArraySteps,
    AudioSteps,
    ImageSteps,
    PipelineInput,
    Preprocess,
    Task,
    TextSteps,
)

WORLD = ("image", "input_ids", "audio", "array")

TASKS: dict[AnswerKind, Task] = {
    "detection": "object-detection",
    "mask": "image-segmentation",
    "picture": "image-to-image",
    "transcript": "transcription",
}

_ANSWER_NAMES = re.compile(r"logit|prob|score|last_hidden_state|output|label|pred|embed", re.I)
_VECTORS = re.compile(r"embed|pooler|feature|hidden", re.I)
_CLASS_SCORES = re.compile(r"logit|prob|score|label|class|softmax", re.I)
TASK_GUESSED = "task"
"""Entry of `PipelineSpec.guessed` for models whose files do not state the kind of results."""
FEW_CLASSES = 64
"""Limit between classes and vectors: texts rarely have more classes without names, and vectors are rarely shorter."""


def pick_answer(outputs: Sequence[TensorSpec], links: Mapping[str, str]) -> TensorSpec:
    """Return the output that holds the prediction, ranked by type, rank and name; never a state."""
    results = [output for output in outputs if output.name not in links.values()] or list(outputs)

    def rank(output: TensorSpec) -> tuple[bool, bool, bool]:
        floats = output.dtype.startswith(("float", "double", "bfloat"))
        named = _ANSWER_NAMES.search(output.name) is not None
        return (not floats, len(output.shape) != 2, not named)

    return min(results, key=rank)


def answer_kind(
    answer: TensorSpec,
    outputs: Sequence[TensorSpec],
    inputs: Sequence[PipelineInput],
    steps: Preprocess,
    facts: ModelFacts,
) -> tuple[AnswerKind, tuple[str, ...]]:
    """Return the kind of the prediction, and the parts of the description that were guessed with it."""
    if facts.answer_kind:
        return facts.answer_kind, ()
    if isinstance(steps, ImageSteps) and gives_boxes(outputs, inputs, steps, facts):
        return "detection", ()
    if isinstance(steps, ImageSteps):
        if mask_steps(answer, facts) is not None:
            return "mask", ()
        if looks_like_class_planes(answer, outputs, inputs, steps):
            return "mask", (TASK_GUESSED,)
        if gives_picture(answer, inputs, steps, facts):
            return "picture", ("picture",)
    if transcript_of(answer, facts) is not None:
        return "transcript", ()
    shape = answer.shape
    if isinstance(steps, AudioSteps) and (len(shape) == 1 or shape[1:] == (1,)):
        return "score", ()
    reads_tokens = any(entry.source == "input_ids" for entry in inputs)
    if reads_tokens and len(shape) == 3 and not is_token_classes(answer, facts):
        return "embedding", () if facts.pooling else ("pooling",)
    is_guess = len(shape) == 2 and reads_tokens and not _is_stated(answer, facts)
    guessed = (TASK_GUESSED,) if is_guess else ()
    if len(shape) == 2 and _is_vector(answer, reads_tokens, facts):
        return "embedding", guessed
    main = [entry for entry in inputs if entry.source in WORLD]
    is_table = len(main) > 1 and all(len(entry.shape) == 2 for entry in main)
    is_scored = is_table and _CLASS_SCORES.search(answer.name) is not None
    if len(shape) == 2 and (reads_tokens or len(main) == 1 or is_scored) and shape[1] != 1:
        return "class", guessed
    return "tensor", ()


def is_token_classes(answer: TensorSpec, facts: ModelFacts) -> bool:
    """Return whether the output holds class scores for each token, (n, tokens, classes), instead of vectors."""
    if facts.task == "token-classification":
        return True
    last = answer.shape[-1] if len(answer.shape) == 3 else None
    if facts.classes is not None and last == len(facts.classes):
        return True
    named = _CLASS_SCORES.search(answer.name) is not None
    return named and _VECTORS.search(answer.name) is None and facts.width != last


def _is_stated(answer: TensorSpec, facts: ModelFacts) -> bool:
    """Return whether a name or the model's files state what a row of numbers for a text is; else its width decides."""
    if _VECTORS.search(answer.name) or _CLASS_SCORES.search(answer.name):
        return True
    of_vectors = facts.pooling is not None or (facts.width is not None and answer.shape[1] == facts.width)
    return of_vectors or facts.classes is not None or bool(facts.is_classifier)


def _is_vector(answer: TensorSpec, reads_tokens: bool, facts: ModelFacts) -> bool:
    """Return whether (n, width) is one vector.

    The name of the output decides, then the model's files. Texts without class names, class-like output names or few
    classes have vectors.
    """
    if _VECTORS.search(answer.name):
        return True
    width = answer.shape[1]
    if not reads_tokens or facts.classes is not None or facts.is_classifier:
        return False
    if facts.pooling is not None or (facts.width is not None and width == facts.width):
        return True
    return not _CLASS_SCORES.search(answer.name) and isinstance(width, int) and width >= FEW_CLASSES


def task_of(
    inputs: Sequence[PipelineInput], steps: Preprocess, kind: AnswerKind, answer: TensorSpec, facts: ModelFacts
) -> Task:
    """Return the task's name where no file states it."""
    if kind in TASKS:
        return TASKS[kind]
    if any(entry.source == "input_ids" for entry in inputs):
        return text_task(steps, kind, answer, facts)
    if isinstance(steps, AudioSteps):
        return "audio-frames"
    if kind == "class":
        return "array-classification" if isinstance(steps, ArraySteps) else "image-classification"
    return "arrays"


def text_task(steps: Preprocess, kind: AnswerKind, answer: TensorSpec, facts: ModelFacts) -> Task:
    """Return the task of a model that reads tokens; without a tokenizer it takes arrays."""
    if kind == "embedding":
        return "text-embedding"
    if kind == "class":
        return "text-classification"
    if len(answer.shape) == 3 and is_token_classes(answer, facts):
        return "token-classification"
    return "text-classification" if isinstance(steps, TextSteps) else "arrays"
