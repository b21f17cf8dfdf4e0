"""Kinds of results that a model can have: the ids of ``--task`` (docs/command-line.md) and their titles."""

from collections.abc import Callable
from dataclasses import dataclass

from workers.contracts.pipeline import BoxesSteps, MaskSteps, PipelineSpec

TASK_IDS = (
    "class", "labels", "detection", "segmentation", "embedding", "text", "transcript", "regression", "picture",
    "language-model", "numbers",
)  # fmt: skip


@dataclass(frozen=True)
class ReadAs:
    """One kind of results.

    Attributes:
        describe: Returns the description for this model, used after "Fettle reads the answers as".
        is_it: Returns whether a specification reads results as this kind.
    """

    id: str
    title: str
    describe: Callable[[PipelineSpec], str]
    is_it: Callable[[PipelineSpec], bool]


def _classes(spec: PipelineSpec) -> int | None:
    answer = next((output for output in spec.outputs if output.answer), None)
    last = answer.shape[-1] if answer is not None and answer.shape else None
    return len(spec.classes) if spec.classes else last


def _class_words(spec: PipelineSpec) -> str:
    count = _classes(spec)
    return f"scores of {count:,} classes" if count is not None and count > 1 else "the score of one class"


def _box_words(spec: PipelineSpec) -> str:
    return f"boxes with {len(spec.classes):,} classes" if spec.classes else "boxes around things"


def _mask_words(spec: PipelineSpec) -> str:
    if isinstance(spec.postprocess, MaskSteps) and spec.postprocess.threshold is not None:
        return f"masks of what reaches {spec.postprocess.threshold:.2f}"
    return f"masks with {len(spec.classes):,} classes" if spec.classes else "masks"


def _letter_words(spec: PipelineSpec) -> str:
    return f"texts, out of {len(spec.classes):,} different characters" if spec.classes else "texts"


def _label_words(spec: PipelineSpec) -> str:
    count = _classes(spec)
    return f"scores of {count:,} labels, of which any may be true" if count is not None else "scores of several labels"


READ_AS: tuple[ReadAs, ...] = (
    ReadAs("detection", "Boxes around things", _box_words, lambda spec: isinstance(spec.postprocess, BoxesSteps)),
    ReadAs("segmentation", "Masks", _mask_words, lambda spec: spec.answer_kind == "mask"),
    ReadAs("picture", "Pictures", lambda spec: "pictures", lambda spec: spec.answer_kind == "picture"),
    ReadAs("transcript", "Transcripts", _letter_words, lambda spec: spec.answer_kind == "transcript"),
    ReadAs("labels", "Several labels", _label_words, lambda spec: spec.answer_kind == "labels"),
    ReadAs("class", "Classes", _class_words, lambda spec: spec.answer_kind in ("class", "score")),
    ReadAs("embedding", "Embeddings", lambda spec: "embeddings", lambda spec: spec.answer_kind == "embedding"),
    ReadAs("language-model", "Next words", lambda spec: "next words", lambda spec: spec.answer_kind == "next_tokens"),
    ReadAs("text", "Texts", lambda spec: "texts", lambda spec: spec.answer_kind == "tokens"),
    ReadAs("numbers", "Numbers", lambda spec: "numbers", lambda spec: True),
)
"""Kinds of results; the first that fits a specification applies, and numbers fit every specification."""


def read_as(spec: PipelineSpec) -> ReadAs:
    """Return the kind as which this specification reads the results."""
    return next(kind for kind in READ_AS if kind.is_it(spec))
