"""Convert paths to text and back, including file names that are not valid text in any encoding.

JSON and SQLite cannot hold such names. Such a path is written as its ``file:///`` address, with every invalid byte as
%FF; every other path is written unchanged. Paths from the user are absolute when they are written, so the two forms
cannot be confused.
"""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

_ADDRESS = "file:///"


def to_text(path: str | Path) -> str:
    """Return the path as text for JSON, the database, and messages to a worker."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Path(text).absolute().as_uri()
    return text


def from_text(text: str) -> Path:
    """Return the path that `to_text` converted."""
    if text.startswith(_ADDRESS):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix("file://"))))
    return Path(text)
