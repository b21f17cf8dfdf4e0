"""Detect character scores for each moment (CTC) by the names of the classes."""

from collections.abc import Sequence

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.pipeline.postprocess.transcripts import BLANKS, SPACES
from workers.pipeline.spec import TranscriptSteps

CHARACTERS = 0.9
"""Smallest share of names that are single characters."""


def transcript_of(answer: TensorSpec, found: ModelFacts) -> tuple[TranscriptSteps, tuple[str, ...]] | None:
    """Return how a transcript is read, and the names of all characters; None where the prediction is no transcript.

    The characters are the names of the model's classes, else a list beside the model with as many entries as scores. A
    list of characters may lack the blank, which then comes first (torch, PaddleOCR), and the space, which PaddleOCR
    puts last.
    """
    count = answer.shape[-1] if len(answer.shape) == 3 else None
    if not isinstance(count, int):
        return None
    lists = (*((found.classes,) if found.classes is not None else ()), *found.characters)
    read = (_read_with(answer, names, count) for names in lists)
    return next((steps for steps in read if steps is not None), None)


def _read_with(
    answer: TensorSpec, names: tuple[str, ...], count: int
) -> tuple[TranscriptSteps, tuple[str, ...]] | None:
    if not 0 <= count - len(names) <= 2 or not are_characters(names):
        return None
    if count > len(names):
        names = ("<blank>", *names, *([" "] if count == len(names) + 2 else []))
    named = {name.casefold(): number for number, name in reversed(list(enumerate(names)))}
    blank = next((named[name] for name in ("<blank>", "[pad]", "<pad>", "", "_") if name in named), None)
    return None if blank is None else (TranscriptSteps(output=answer.name, blank=blank), names)


def are_characters(names: Sequence[str]) -> bool:
    """Return whether nearly all names, except those of blanks and spaces, are single characters."""
    real = [name for name in names if name.casefold() not in BLANKS and name not in SPACES]
    return bool(real) and sum(len(name) == 1 for name in real) >= CHARACTERS * len(real)
