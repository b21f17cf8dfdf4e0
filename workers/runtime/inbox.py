"""What a job hears: cancel, turns and questions. No reader thread, which would disturb what is measured."""

import select
import sys
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Protocol

from workers.contracts.errors import JobCancelled
from workers.contracts.process.messages import Cancel, ParentMessage, Request, RunBlock, parent_messages


class ParentGone(BaseException):
    """The other end of the pipe is closed: nobody waits for an answer any more."""


class Inbox(Protocol):
    """Raises `JobCancelled` from any method once the job was asked to stop."""

    def check(self) -> None:
        """Look for a request to stop; takes about a microsecond."""

    def next_block(self) -> RunBlock:
        """Wait for the parent to pass the turn."""

    def next_request(self) -> Request:
        """Wait for the parent to ask."""

    def has_request(self) -> bool:
        """Whether the parent has asked already."""


class PipeMailbox:
    """Reads the parent's messages on demand."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        self._connection = connection
        self._blocks: deque[RunBlock] = deque()
        self._requests: deque[Request] = deque()
        self._cancelled = False
        self._poll = None
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(connection.fileno(), select.POLLIN)

    def receive(self) -> ParentMessage:
        """Wait for one message. Raises `ParentGone`; pydantic's ValidationError for anything that is no message."""
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
        while not self._cancelled and self._waiting():
            self._take()
        if self._cancelled:
            raise JobCancelled

    def next_block(self) -> RunBlock:
        self.check()
        while not self._blocks:
            self._take()
            self.check()
        return self._blocks.popleft()

    def next_request(self) -> Request:
        self.check()
        while not self._requests:
            self._take()
            self.check()
        return self._requests.popleft()

    def has_request(self) -> bool:
        self.check()
        return bool(self._requests)


class HeadlessMailbox:
    """For runs without a parent: turns that are known beforehand, a flag that the interrupt key sets, no questions."""

    def __init__(self, blocks: Sequence[RunBlock] = ()) -> None:
        self._blocks = deque(blocks)
        self.cancelled = False

    def check(self) -> None:
        if self.cancelled:
            raise JobCancelled

    def next_block(self) -> RunBlock:
        self.check()
        if not self._blocks:
            raise JobCancelled
        return self._blocks.popleft()

    def next_request(self) -> Request:
        self.check()
        return Request()

    def has_request(self) -> bool:
        self.check()
        return False
