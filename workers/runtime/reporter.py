"""Where a job's messages go: over the pipe to the parent, or as JSON lines to a stream."""

import json
from multiprocessing.connection import Connection
from typing import Any, Protocol, TextIO

from pydantic_core import PydanticSerializationError

from workers.contracts.process.messages import TERMINAL, WorkerMessage


def encode(message: WorkerMessage) -> bytes:
    """One message as JSON. Parts of file names that are no text (lone surrogates) are shown as question marks."""
    try:
        return message.model_dump_json().encode()
    except PydanticSerializationError:
        return json.dumps(_as_text(message.model_dump())).encode()


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return value


class Reporter(Protocol):
    """Takes messages in order. After a terminal one everything else is dropped."""

    def send(self, message: WorkerMessage) -> None: ...


class PipeReporter:
    """JSON bytes over a multiprocessing connection."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        self._connection = connection
        self._over = False

    def send(self, message: WorkerMessage) -> None:
        """Send, or do nothing when the job's end has been told. Raises OSError when the parent is gone."""
        if self._over:
            return
        data = encode(message)
        self._over = isinstance(message, TERMINAL)
        self._connection.send_bytes(data)


class JsonLinesReporter:
    """One JSON document a line, flushed at once, for headless runs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._over = False

    def send(self, message: WorkerMessage) -> None:
        if self._over:
            return
        text = encode(message).decode()
        self._over = isinstance(message, TERMINAL)
        self._stream.write(text + "\n")
        self._stream.flush()
