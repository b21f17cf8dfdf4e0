"""Receive the parent's messages in a job: cancellation, measurement blocks and requests.

Messages are read on demand: a reader thread would disturb measurements.
"""

import select
import sys
from collections import deque
from multiprocessing.connection import Connection
from typing import TypeVar

from workers.contracts.errors import JobCancelled
from workers.contracts.process.messages import Cancel, ParentMessage, Request, RunBlock, parent_messages

T = TypeVar("T")


class ParentGone(BaseException):
    """Exception: the other end of the pipe is closed, so the parent has ended."""


class Inbox:
    """Source of the parent's messages in one worker: reads its pipe on demand.

    Every method but `receive` raises `JobCancelled` after the job was cancelled.
    """

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        """Create an inbox that reads from this end of the worker's pipe."""
        self._connection = connection
        self._blocks: deque[RunBlock] = deque()
        self._requests: deque[Request] = deque()
        self._cancelled = False
        self._poll = None
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(connection.fileno(), select.POLLIN)

    def receive(self) -> ParentMessage:
        """Wait for one message.

        Raises:
            ParentGone: The parent closed the pipe.
            pydantic.ValidationError: The bytes are not a message.
        """
        try:
            return parent_messages.validate_json(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise ParentGone from error

    def _waiting(self) -> bool:
        if self._poll is not None:
            return bool(self._poll.poll(0))
        return self._connection.poll(0)

    def _take(self) -> None:
        message = self.receive()
        if isinstance(message, Cancel):
            self._cancelled = True
        elif isinstance(message, RunBlock):
            self._blocks.append(message)
        elif isinstance(message, Request):
            self._requests.append(message)

    def check(self) -> None:
        """Read all waiting messages, in about a microsecond; raise `JobCancelled` if one of them cancels the job."""
        while not self._cancelled and self._waiting():
            self._take()
        if self._cancelled:
            raise JobCancelled

    def next_block(self) -> RunBlock:
        """Wait for the parent to start the next measurement block."""
        return self._next(self._blocks)

    def next_request(self) -> Request:
        """Wait for the parent's next request."""
        return self._next(self._requests)

    def _next(self, received: deque[T]) -> T:
        self.check()
        while not received:
            self._take()
            self.check()
        return received.popleft()

    def has_request(self) -> bool:
        """Return whether a request is waiting."""
        self.check()
        return bool(self._requests)
