"""Paths as text. A file's name may hold bytes that are no text in any encoding; JSON and SQLite cannot hold those.

Such a path is written as its ``file:///`` address, with every odd byte as %FF; every other path as it is. Paths that
people name are absolute by the time that they are written, so the two cannot be mixed up.
"""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote_to_bytes

from pydantic import BeforeValidator

_ADDRESS = "file:///"


def to_text(path: str | Path) -> str:
    """The path for JSON, the database, and the way to a worker."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Path(text).absolute().as_uri()
    return text


def from_text(text: str) -> Path:
    """The path that `to_text` was given."""
    if text.startswith(_ADDRESS):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix("file://"))))
    return Path(text)


PathText = Annotated[str, BeforeValidator(to_text)]
"""A path that a person named; `from_text` gives it back."""
