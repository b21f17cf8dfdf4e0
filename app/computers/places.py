"""Map the paths of a job between this computer and another one."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workers.contracts.paths import from_text, to_text

ADDRESS = "file:///"
HOME = re.compile(r"/[^\x00-\x1f\"\\]{0,400}")


def input_roots(read_roots: Iterable[str]) -> dict[Path, str]:
    """Return each file or folder that a job reads with its place below the folder of inputs there.

    Files of one folder stay beside each other, because a model may name another file of its folder.
    """
    found: dict[Path, str] = {}
    numbers: dict[Path, str] = {}
    for root in sorted({from_text(text) for text in read_roots}, key=lambda path: len(path.parts)):
        if any(root.is_relative_to(outer) for outer in found if outer.is_dir()) or not root.exists():
            continue
        folder = root if root.is_dir() else root.parent
        number = numbers.setdefault(folder, f"{len(numbers):04}") if root.is_file() else f"{len(numbers):04}"
        numbers.setdefault(folder, number)
        found[root] = number if root.is_dir() else f"{number}/{root.name}"
    return found


def kept_name(place: str) -> str:
    """Return the name there of a folder that outlives its job here."""
    return hashlib.sha256(f"{platform.node()}\n{place}".encode(errors="surrogateescape")).hexdigest()[:32]


class Places:
    """Pairs of places here and there; what is below them moves along."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Create the map of (place here, place there)."""
        self._pairs = sorted(pairs, key=lambda pair: -len(pair[0]))
        self._back = [(_as_json(there), _as_json(here)) for here, there in self._pairs]

    def there(self, value: Any) -> Any:
        """Return a JSON value with all texts that are paths here as paths there."""
        if isinstance(value, str):
            return self._path_there(value)
        if isinstance(value, dict):
            return {name: self.there(item) for name, item in value.items()}
        return [self.there(item) for item in value] if isinstance(value, list | tuple) else value

    def message_there(self, message: bytes) -> bytes:
        """Return a message to the worker with the paths there."""
        return json.dumps(self.there(json.loads(message))).encode()

    def message_here(self, message: bytes) -> bytes:
        """Return a message of the worker with the paths here, also inside of sentences."""
        for there, here in self._back:
            message = message.replace(there, here)
        return message

    def _path_there(self, text: str) -> str:
        path = os.fspath(from_text(text)) if text.startswith(ADDRESS) else text
        for here, there in self._pairs:
            if path == here or path.startswith(here + os.sep):
                return to_text(there + path[len(here) :])
        return text


def _as_json(text: str) -> bytes:
    return json.dumps(to_text(text), ensure_ascii=False)[1:-1].encode()
