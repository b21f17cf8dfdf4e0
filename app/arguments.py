"""Decide whether a command line opens the window, before any slow import."""

import re
from pathlib import Path

COMMAND = re.compile(r"[a-z]+")
"""Pattern of a command: plain lower-case letters. A file with such a name is given as ``./name``."""


def opens_window(arguments: list[str]) -> bool:
    """Return whether the arguments hold only the data folder and existing files or folders, and no command."""
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--data-dir":
            if next(words, None) is None:
                return False
        elif not word.startswith("--data-dir="):
            rest.append(word)
    if not rest:
        return True
    if COMMAND.fullmatch(rest[0]) or any(word.startswith("-") for word in rest):
        return False
    return all(_exists(word) for word in rest)


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False
