"""What a job hears: cancel, turns and questions. No reader thread, which would disturb what is measured."""

import select
import sys
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Protocol

from workers.contracts.errors import JobCancelled
from workers.contracts.process.messages import Ask, Cancel, ParentMessage, Turn, parent_messages


class ParentGone(BaseException):
    """The other end of the pipe is closed: nobody waits for an answer any more."""


class Inbox(Protocol):
    """Raises `JobCancelled` from any method once the job was asked to stop."""

    def check(self) -> None:
        """Look for a request to stop; takes about a microsecond."""

    def next_turn(self) -> Turn:
        """Wait for the parent to pass the turn."""

    def next_ask(self) -> Ask:
        """Wait for the parent to ask."""

    def asked(self) -> bool:
        """Whether the parent has asked already."""


class PipeMailbox:
    """Reads the parent's messages on demand."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        self._connection = connection
        self._turns: deque[Turn] = deque()
        self._asks: deque[Ask] = deque()
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
        elif isinstance(message, Turn):
            self._turns.append(message)
        elif isinstance(message, Ask):
            self._asks.append(message)

    def check(self) -> None:
        while not self._cancelled and self._waiting():
            self._take()
        if self._cancelled:
            raise JobCancelled

    def next_turn(self) -> Turn:
        self.check()
        while not self._turns:
            self._take()
            self.check()
        return self._turns.popleft()

    def next_ask(self) -> Ask:
        self.check()
        while not self._asks:
            self._take()
            self.check()
        return self._asks.popleft()

    def asked(self) -> bool:
        self.check()
        return bool(self._asks)


class HeadlessMailbox:
    """For runs without a parent: turns that are known beforehand, a flag that the interrupt key sets, no questions."""

    def __init__(self, turns: Sequence[Turn] = ()) -> None:
        self._turns = deque(turns)
        self.cancelled = False

    def check(self) -> None:
        if self.cancelled:
            raise JobCancelled

    def next_turn(self) -> Turn:
        self.check()
        if not self._turns:
            raise JobCancelled
        return self._turns.popleft()

    def next_ask(self) -> Ask:
        self.check()
        return Ask()

    def asked(self) -> bool:
        self.check()
        return False
