"""Send a job's messages over the pipe to the parent or as JSON lines to a stream."""

import json
from collections.abc import Callable
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


class _JsonReporter:
    """Reporter that writes each message as JSON."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write, self._over = write, False

    def send(self, message: WorkerMessage) -> None:
        """Send a message, or nothing after a terminal one; raise OSError if the receiver has ended."""
        if not self._over:
            data = encode(message)
            self._over = isinstance(message, TERMINAL)
            self._write(data)


class PipeReporter(_JsonReporter):
    """Reporter of a spawned worker: sends JSON bytes over a multiprocessing connection."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        """Create a reporter that writes to this end of the worker's pipe."""
        super().__init__(connection.send_bytes)


class JsonLinesReporter(_JsonReporter):
    """Reporter of a headless run: writes one JSON document per line and flushes at once."""

    def __init__(self, stream: TextIO) -> None:
        """Create a reporter that writes to `stream`."""
        super().__init__(lambda data: print(data.decode(), file=stream, flush=True))
