"""Where a job's messages go: over the pipe to the parent, or as JSON lines to a stream."""

from multiprocessing.connection import Connection
from typing import Protocol, TextIO

from workers.contracts.messages import TERMINAL, WorkerMessage


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
        self._over = isinstance(message, TERMINAL)
        self._connection.send_bytes(message.model_dump_json().encode())


class JsonLinesReporter:
    """One JSON document a line, flushed at once, for headless runs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._over = False

    def send(self, message: WorkerMessage) -> None:
        if self._over:
            return
        self._over = isinstance(message, TERMINAL)
        self._stream.write(message.model_dump_json() + "\n")
        self._stream.flush()
