"""Detect character scores for each moment (CTC), and read the lists of characters beside a text recognizer.

Lists are files of one character a line, or PaddleOCR's `inference.yml`. No file is trusted: sizes are limited, YAML is
only parsed, and a file that is no such list is skipped.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.pipeline.postprocess.transcripts import BLANKS, SPACES
from workers.pipeline.spec import TranscriptSteps

CHARACTERS = 0.9
"""Smallest share of names that are single characters."""


def transcript_of(answer: TensorSpec, facts: ModelFacts) -> tuple[TranscriptSteps, tuple[str, ...]] | None:
    """Return how a transcript is read, and the names of all characters; None where the prediction is no transcript.

    The characters are the names of the model's classes, else a list beside the model with as many entries as scores. A
    list of characters may lack the blank, which then comes first (torch, PaddleOCR), and the space, which PaddleOCR
    puts last.
    """
    count = answer.shape[-1] if len(answer.shape) == 3 else None
    if not isinstance(count, int):
        return None
    lists = (*((facts.classes,) if facts.classes is not None else ()), *facts.characters)
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


LIST_SUFFIXES = (".txt", ".yml", ".yaml")
_MOST_BYTES = 1_000_000
_FEWEST = 10
"""Shortest list of characters; shorter ones are probably notes."""


def character_lists(files: Iterable[Path]) -> tuple[tuple[str, ...], ...]:
    """Return the lists of characters in these files, in the order of the files."""
    return tuple(names for file in files for names in character_list(file))


def character_list(file: Path) -> list[tuple[str, ...]]:
    """Return the list of characters in a file, or no list. White space counts: a blank line may hold a character."""
    if file.suffix not in LIST_SUFFIXES:
        return []
    text = _text_of(file)
    names = _lines(text) if file.suffix == ".txt" else _in_yaml(text)
    return [names] if len(names) >= _FEWEST and are_characters(names) else []


def _text_of(file: Path) -> str:
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return ""
        return file.read_bytes().decode("utf-8-sig", "replace")
    except OSError:
        return ""


def _lines(text: str) -> tuple[str, ...]:
    """Split only at line feeds: `str.splitlines` would also split at characters that occur in such lists."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return tuple(lines[:-1] if lines[-1] == "" else lines)


def _in_yaml(text: str) -> tuple[str, ...]:
    """Return `PostProcess.character_dict`, as PaddleOCR writes it beside an exported recognizer."""
    if "character_dict" not in text:
        return ()
    try:
        data: Any = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return ()
    steps = data.get("PostProcess") if isinstance(data, dict) else None
    names = steps.get("character_dict") if isinstance(steps, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()
