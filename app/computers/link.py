"""One connection to the agent of another computer: a program whose standard input and output are the agent's."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from app.computers.problems import BadAnswer, LinkLost, printable
from workers.contracts.process.channel import BadFrameError, Channel, ChannelClosedError, control, read_control

TAIL_BYTES = 2000


class Link:
    """A running connection; its owner waits on `waitables` and closes it."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start the program; raises LinkLost if there is none."""
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            ours.close()
            raise LinkLost(str(error)) from error
        finally:
            theirs.close()
        assert self._process.stderr is not None
        self._errors = self._process.stderr
        os.set_blocking(self._errors.fileno(), False)
        self._tail = b""
        self.channel = Channel(Connection(ours.detach()))

    @property
    def waitables(self) -> list[Any]:
        """Return what becomes readable when something came."""
        return [self.channel.connection, *([] if self._errors.closed else [self._errors])]

    def read_errors(self) -> None:
        """Read what the program wrote to its standard error, and keep the end of it."""
        with contextlib.suppress(BlockingIOError):
            while not self._errors.closed and (piece := os.read(self._errors.fileno(), 1 << 16)):
                self._tail = (self._tail + piece)[-TAIL_BYTES:]
            self._errors.close()

    def detail(self) -> str:
        """Return the last line that the program wrote to its standard error."""
        self.read_errors()
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return printable(lines[-1]) if lines else ""

    def send(self, frame: bytes) -> None:
        """Queue a frame; raises LinkLost."""
        try:
            self.channel.send(frame)
        except ChannelClosedError as error:
            raise LinkLost(self.detail()) from error

    def request(self, **facts: Any) -> None:
        """Queue a control frame; raises LinkLost."""
        self.send(control(**facts))

    def receive(self) -> bytes | None:
        """Return the next frame, None if none is whole; raises LinkLost and BadAnswer."""
        try:
            self.channel.flush()
            return self.channel.receive()
        except ChannelClosedError as error:
            raise LinkLost(self._last_words()) from error
        except BadFrameError as error:
            raise BadAnswer(str(error)) from error

    def _last_words(self) -> str:
        """Return the detail after the program had a moment to end and to say why."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        return self.detail()

    def close(self) -> None:
        """End the connection and its program."""
        self.channel.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


def facts_of(frame: bytes) -> dict[str, Any]:
    """Return the facts of a control frame; raises BadAnswer."""
    try:
        return read_control(frame)
    except BadFrameError as error:
        raise BadAnswer(str(error)) from error


def number(facts: dict[str, Any], name: str, most: int) -> int:
    """Return a whole number between 0 and `most`; raises BadAnswer."""
    value = facts.get(name)
    if not isinstance(value, int) or not 0 <= value <= most:
        raise BadAnswer(f"{name} is {value!r:.80}")
    return value
