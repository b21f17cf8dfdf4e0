"""Wait for both connections of a relay at once: the pipe of its client, and the link to the other computer."""

import os
import select
import signal
import socket
import time
from collections import deque
from types import FrameType
from typing import Any

from app.computers.link import Link, facts_of
from app.computers.problems import LinkLost
from workers.contracts.process.channel import DATA, Channel, ChannelClosedError

MOST_QUEUED_BYTES = 4 << 20
"""Size of messages that the client has not taken, above which nothing more is read from the link."""


class Ended(Exception):
    """The client is gone or needs the job no longer."""


class AgentRefused(Exception):
    """The agent refused a request; `facts` have its code as `error`."""

    def __init__(self, facts: dict[str, Any]) -> None:
        """Create the error from the agent's control frame."""
        super().__init__(facts.get("error"))
        self.facts = facts


class Wire:
    """The connections of one relay; every wait raises `Ended` once the job is not needed any more."""

    def __init__(self, client: Channel, silence_s: float) -> None:
        """Watch the client's pipe and SIGTERM; a link from which nothing comes for `silence_s` is lost.

        `moved_s` is when the job last got on: a message, a part of a file. A connection alone is not that.
        """
        self._client, self.silence_s = client, silence_s
        self.moved_s = time.monotonic()
        self.link: Link | None = None
        self.requests: deque[bytes] = deque()
        self.ignores_end = self._has_ended = False
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.set_wakeup_fd(self._waker.fileno())

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        self._has_ended = True

    @property
    def is_clogged(self) -> bool:
        """Return whether the client has too many messages left to take."""
        return self._client.queued_bytes > MOST_QUEUED_BYTES

    def to_client(self, message: bytes) -> None:
        """Queue a message to the client."""
        try:
            self._client.send(message)
        except ChannelClosedError:
            self._has_ended = True

    def wait(self, timeout_s: float) -> None:
        """Wait until something comes or can be sent; raises Ended."""
        link = self.link
        channels = [self._client, *([link.channel] if link is not None else [])]
        reading: list[Any] = [self._wake]
        if not self._has_ended:
            reading.append(self._client.connection)
        if link is not None and not self.is_clogged:
            reading += link.waitables
        writing = [channel.connection for channel in channels if channel.queued_bytes]
        ready, _, _ = select.select(reading, writing, [], max(0.0, timeout_s))
        if self._wake in ready:
            os.read(self._wake.fileno(), 100)
        for channel in channels:
            try:
                channel.flush()
            except ChannelClosedError:  # reading finds that out, too, after what came before
                self._has_ended = self._has_ended or channel is self._client
        if link is not None:
            link.read_errors()
        try:
            while not self._has_ended and (message := self._client.receive()) is not None:
                self.requests.append(message)
        except ChannelClosedError:
            self._has_ended = True
        if self._has_ended and not self.ignores_end:
            raise Ended

    def check(self) -> None:
        """Raise Ended if the job is not needed any more."""
        self.wait(0)

    def rest(self, seconds: float) -> None:
        """Wait this long; raises Ended."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self.wait(left_s)

    def frame(self, patience_s: float | None = None) -> bytes:
        """Return the next frame of the link; raises LinkLost, BadAnswer and Ended."""
        assert self.link is not None
        until_s = time.monotonic() + (patience_s or self.silence_s)
        while (frame := self.link.receive()) is None:
            if time.monotonic() > until_s:
                raise LinkLost(self.link.detail())
            self.wait(until_s - time.monotonic())
        if frame[:1] == DATA:
            self.moved_s = time.monotonic()
        return frame

    def reply(self, patience_s: float | None = None) -> dict[str, Any]:
        """Return the facts of the agent's next reply; raises AgentRefused, LinkLost, BadAnswer and Ended."""
        while True:
            facts = facts_of(self.frame(patience_s))
            if "error" in facts:
                raise AgentRefused(facts)
            if "working" not in facts:
                return facts
            self.moved_s = time.monotonic()

    def drain(self, patience_s: float) -> None:
        """Send what is queued, for at most `patience_s`."""
        until_s = time.monotonic() + patience_s
        queues = [self._client, *([self.link.channel] if self.link is not None else [])]
        while any(one.queued_bytes for one in queues) and time.monotonic() < until_s and not self._has_ended:
            self.wait(0.05)
