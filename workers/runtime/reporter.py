"""Send a job's messages over the pipe to the parent."""

import json
from multiprocessing.connection import Connection
from typing import Any

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


class Reporter:
    """Sender of a job's messages, in order, as JSON over the pipe to the parent."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        """Create a reporter that writes to this end of the worker's pipe."""
        self._connection, self._over = connection, False

    def send(self, message: WorkerMessage) -> None:
        """Send a message, or nothing after a terminal one; raise OSError if the parent has ended."""
        if not self._over:
            data = encode(message)
            self._over = isinstance(message, TERMINAL)
            self._connection.send_bytes(data)
