"""Read and write JSON of requests and responses; large documents in parts, in a thread, so that others continue.

A thread alone does not help: `json.loads` and `json.dumps` hold the interpreter's lock from beginning to end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import numpy as np

T = TypeVar("T")

LARGE_BYTES = 64 << 10
"""Size from which on a document goes to a thread; for smaller ones the switch takes longer than the work."""
AT_ONCE = 10_000
"""Number of values that are written or converted at once, in about a millisecond."""
MAX_PARSED_BYTES = 256 << 20
"""Maximum memory of the Python objects of one JSON text; numbers of 8 million bytes fit."""
OBJECT_BYTES = {b",": 32, b'"': 160, b"[": 640, b"{": 640}
"""Memory estimates per character of the JSON text: for a value, half of a text, a list and an object.

They are at least CPython's memory. Texts, lists and objects count more, since no other thread runs while they are
created.
"""


class RequestError(ValueError):
    """Error: the request does not fit the protocol or the model; `status` is HTTP's, the text names the error."""

    def __init__(self, text: str, status: int = 400) -> None:
        """Create an error with its text and HTTP status."""
        super().__init__(text)
        self.status = status


async def in_thread_if_large(size_bytes: int, work: Callable[..., T], *given: Any) -> T:
    """Return the result of `work`, run in a thread if it handles a large document of `size_bytes`."""
    if size_bytes < LARGE_BYTES:
        return work(*given)
    return await asyncio.to_thread(work, *given)


def read_document(text: bytes) -> Any:
    """Return the JSON document in `text`; raise RequestError, before parsing if its objects would be too large."""
    if sum(text.count(mark) * size for mark, size in OBJECT_BYTES.items()) > MAX_PARSED_BYTES:
        raise RequestError("the JSON holds too many values; send the tensors as binary data", 413)
    try:
        return json.loads(text, parse_float=_real, parse_int=_whole, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the request is not JSON ({error})") from error


def _real(text: str) -> float:
    """Convert like `float`, but in Python code, so that other threads run between the values."""
    return float(text)


def _whole(text: str) -> int:
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def write_document(document: Any) -> str:
    """Return a document, which may contain one-dimensional numpy arrays, as JSON; raise ValueError for NaN."""
    return "".join(_pieces(document))


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, (name, inner) in enumerate(value.items()):
            yield f"{', ' if number else ''}{json.dumps(name, ensure_ascii=False)}: "
            yield from _pieces(inner)
        yield "}"
    elif isinstance(value, list | np.ndarray) and len(value):
        yield "["
        is_plain = isinstance(value, np.ndarray) or not isinstance(value[0], list | dict)
        for start in range(0, len(value), AT_ONCE if is_plain else 1):
            yield ", " if start else ""
            if is_plain:
                part = value[start : start + AT_ONCE]
                yield _plain(part.tolist() if isinstance(part, np.ndarray) else part)[1:-1]
            else:
                yield from _pieces(value[start])
        yield "]"
    else:
        yield _plain(value.tolist() if isinstance(value, np.ndarray) else value)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
