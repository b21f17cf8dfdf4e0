"""Send a job's messages over the pipe to the parent or as JSON lines to a stream."""

import json
from multiprocessing.connection import Connection
from typing import Any, Protocol, TextIO

from pydantic_core import PydanticSerializationError

from workers.contracts.process.messages import TERMINAL, WorkerMessage


def encode(message: WorkerMessage) -> bytes:
    """Return one message as JSON; parts of file names that are not text (lone surrogates) become question marks."""
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
    """Receiver of a job's messages, in order; messages after a terminal one are dropped."""

    def send(self, message: WorkerMessage) -> None:
        """Send one message."""
        ...


class PipeReporter:
    """Reporter of a spawned worker: sends JSON bytes over a multiprocessing connection."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        """Create a reporter that writes to this end of the worker's pipe."""
        self._connection = connection
        self._over = False

    def send(self, message: WorkerMessage) -> None:
        """Send a message, or nothing after a terminal one; raise OSError if the parent has ended."""
        if self._over:
            return
        data = encode(message)
        self._over = isinstance(message, TERMINAL)
        self._connection.send_bytes(data)


class JsonLinesReporter:
    """Reporter of a headless run: writes one JSON document per line and flushes at once."""

    def __init__(self, stream: TextIO) -> None:
        """Create a reporter that writes to `stream`."""
        self._stream = stream
        self._over = False

    def send(self, message: WorkerMessage) -> None:
        """Write a message as one line, or nothing after a terminal one."""
        if self._over:
            return
        text = encode(message).decode()
        self._over = isinstance(message, TERMINAL)
        self._stream.write(text + "\n")
        self._stream.flush()
