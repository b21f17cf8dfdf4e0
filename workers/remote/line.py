"""Exchange frames with the requesting Fettle over the standard input and output of this process."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time
from typing import Any

from workers.contracts.process.channel import MAX_MESSAGE_BYTES, BadFrameError, control, read_control

_LENGTH = struct.Struct("!i")
CHUNK_BYTES = 1 << 18


class LineClosed(Exception):
    """The other end is gone."""


class Line:
    """The connection of one agent process to its Fettle; the process ends when nothing arrives for `patience_s`.

    A connection may stall without an end, and then nobody else would end this process, even if it waits in a write.
    """

    def __init__(self, patience_s: float) -> None:
        """Take over the standard input and output."""
        self.patience_s, self._said_s = patience_s, time.monotonic()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self.moved()

    def moved(self) -> None:
        """Start the patience anew."""
        signal.setitimer(signal.ITIMER_REAL, self.patience_s)

    def read(self) -> bytes:
        """Return the next frame; raises LineClosed and BadFrameError."""
        (length,) = _LENGTH.unpack(self._read_all(_LENGTH.size))
        if not 0 <= length <= MAX_MESSAGE_BYTES:
            raise BadFrameError(f"a frame of {length} bytes")
        return self._read_all(length)

    def request(self) -> dict[str, Any]:
        """Return the next control frame; raises LineClosed and BadFrameError."""
        return read_control(self.read())

    def write(self, frame: bytes) -> None:
        """Write a frame; raises LineClosed."""
        self._write_all(_LENGTH.pack(len(frame)) + frame)

    def reply(self, **facts: Any) -> None:
        """Write a control frame; raises LineClosed."""
        self.write(control(**facts))

    def say_working(self) -> None:
        """Write once a second that a request takes longer; raises LineClosed."""
        if time.monotonic() - self._said_s > 1:
            self._said_s = time.monotonic()
            self.moved()
            self.reply(working=True)

    def join(self, other: socket.socket) -> None:
        """Pass everything on between the connection and `other` until `other` ends; raises LineClosed."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(other, select.POLLIN)
        while True:
            for descriptor, _event in poll.poll():
                if descriptor == 0:
                    data = os.read(0, CHUNK_BYTES)
                    if not data:
                        raise LineClosed
                    self.moved()
                    try:
                        other.sendall(data)
                    except OSError:
                        return
                else:
                    try:
                        data = other.recv(CHUNK_BYTES)
                    except OSError:
                        data = b""
                    if not data:
                        return
                    self._write_all(data)

    def _read_all(self, length: int) -> bytes:
        pieces = []
        while length:
            piece = os.read(0, min(length, CHUNK_BYTES))
            if not piece:
                raise LineClosed
            self.moved()
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def _write_all(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(1, left) :]
        except OSError as error:
            raise LineClosed from error
