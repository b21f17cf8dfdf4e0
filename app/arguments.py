"""Decide whether a command line opens the window, and with which files, before any slow import."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMAND = re.compile(r"[a-z]+")
"""Pattern of a command: plain lower-case letters. A file with such a name is given as ``./name``."""


def opens_window(arguments: list[str]) -> bool:
    """Return whether the arguments hold only the data folder and existing files or folders, and no command."""
    folder, rest = window_arguments(arguments)
    if folder == "":
        return False
    if not rest:
        return True
    if COMMAND.fullmatch(rest[0]) or any(word.startswith("-") for word in rest):
        return False
    return all(_exists(word) for word in rest)


def window_arguments(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the data folder, None if none is named and "" if its name is missing, and the files.

    Addresses, as file managers and desktop files may give them, become paths.
    """
    folder: str | None = None
    files: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--data-dir" or word.startswith("--data-dir="):
            folder = word.partition("=")[2] if "=" in word else next(words, "")
        else:
            files.append(local_path(word))
    return folder, files


def local_path(word: str) -> str:
    """Return the path of a ``file:`` address without its percent-escapes; other words stay as they are."""
    if not word.lower().startswith("file:"):
        return word
    parts = urlsplit(word)
    if parts.netloc not in ("", "localhost"):
        return word
    path = unquote(parts.path, errors="surrogateescape")
    return path.lstrip("/") if sys.platform == "win32" else path


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False
