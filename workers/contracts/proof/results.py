"""Kinds of results that a model can have: the ids of ``--task`` (docs/command-line.md) and their titles."""

from collections.abc import Callable
from dataclasses import dataclass

from workers.contracts.pipeline import BoxesSteps, MaskSteps, PipelineSpec
from workers.contracts.translation import _, mark

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
    return (
        _("scores of {0:,} classes").format(count) if count is not None and count > 1 else _("the score of one class")
    )


def _box_words(spec: PipelineSpec) -> str:
    return _("boxes with {0:,} classes").format(len(spec.classes)) if spec.classes else _("boxes around things")


def _mask_words(spec: PipelineSpec) -> str:
    if isinstance(spec.postprocess, MaskSteps) and spec.postprocess.threshold is not None:
        return _("masks of what reaches {0:.2f}").format(spec.postprocess.threshold)
    return _("masks with {0:,} classes").format(len(spec.classes)) if spec.classes else _("masks")


def _letter_words(spec: PipelineSpec) -> str:
    return _("texts, out of {0:,} different characters").format(len(spec.classes)) if spec.classes else _("texts")


def _label_words(spec: PipelineSpec) -> str:
    count = _classes(spec)
    return (
        _("scores of {0:,} labels, of which any may be true").format(count)
        if count is not None
        else _("scores of several labels")
    )


READ_AS: tuple[ReadAs, ...] = (
    ReadAs("detection", mark("Boxes around things"), _box_words, lambda spec: isinstance(spec.postprocess, BoxesSteps)),
    ReadAs("segmentation", mark("Masks"), _mask_words, lambda spec: spec.answer_kind == "mask"),
    ReadAs("picture", mark("Pictures"), lambda spec: _("pictures"), lambda spec: spec.answer_kind == "picture"),
    ReadAs("transcript", mark("Transcripts"), _letter_words, lambda spec: spec.answer_kind == "transcript"),
    ReadAs("labels", mark("Several labels"), _label_words, lambda spec: spec.answer_kind == "labels"),
    ReadAs("class", mark("Classes"), _class_words, lambda spec: spec.answer_kind in ("class", "score")),
    ReadAs("embedding", mark("Embeddings"), lambda spec: _("embeddings"), lambda spec: spec.answer_kind == "embedding"),
    ReadAs(
        "language-model",
        mark("Next words"),
        lambda spec: _("next words"),
        lambda spec: spec.answer_kind == "next_tokens",
    ),
    ReadAs("text", mark("Texts"), lambda spec: _("texts"), lambda spec: spec.answer_kind == "tokens"),
    ReadAs("numbers", mark("Numbers"), lambda spec: _("numbers"), lambda spec: True),
)
"""Kinds of results; the first that fits a specification applies, and numbers fit every specification."""


def read_as(spec: PipelineSpec) -> ReadAs:
    """Return the kind as which this specification reads the results."""
    return next(kind for kind in READ_AS if kind.is_it(spec))
