"""Read lists of characters beside a text recognizer: one character a line, or PaddleOCR's `inference.yml`.

No file is trusted: sizes are limited, YAML is only parsed, and a file that is no such list is skipped.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from workers.model_io.guess.transcripts import are_characters

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
