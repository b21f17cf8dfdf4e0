"""Exchange messages over a multiprocessing connection without ever blocking, whatever the other end does.

`Connection.recv_bytes` waits for the rest of a partial message, and `send_bytes` for a reader: a hanging or malicious
worker would freeze the window. On Linux and macOS a duplex pipe is a pair of sockets, which are read and written here
piece by piece. Their frames begin with a signed 32-bit big-endian length (multiprocessing.connection, `_send_bytes`).
Windows keeps messages whole by itself.

A job on another computer uses the same frames between its relay here and its keeper there. The first byte of such a
frame is its kind: `NUMBERED`, `CONTROL` (a JSON object) or `DATA` (a part of a file). This module is copied there, so
it needs only the standard library of Python 3.8.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

MAX_MESSAGE_BYTES = 64 << 20
CHUNK_BYTES = 1 << 18
NUMBERED, CONTROL, DATA = b"N", b"J", b"D"
MESSAGE, ENDED = b"m", b"e"
"""First byte of what a numbered frame holds: a message of the job, or how its worker ended (JSON)."""

_LENGTH, _NUMBER = struct.Struct("!i"), struct.Struct("!Q")


class ChannelClosedError(Exception):
    """The other end is gone, and everything that it sent was returned."""


class BadFrameError(Exception):
    """The received bytes are not a frame, or the frame exceeds `MAX_MESSAGE_BYTES`."""


class Channel:
    """The parent's end of a connection to a worker process, which it owns."""

    def __init__(self, connection: Connection[bytes, bytes]) -> None:
        """Create the end of `connection`, without blocking on Linux and macOS."""
        self._connection = connection
        self._socket: socket.socket | None = None
        if sys.platform != "win32":
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._in = bytearray()
        self._out = bytearray()
        self._is_over = False

    @property
    def connection(self) -> Connection[bytes, bytes]:
        """Return the connection, to wait for messages."""
        return self._connection

    @property
    def queued_bytes(self) -> int:
        """Return the size of what `flush` has not sent yet."""
        return len(self._out)

    def send(self, message: bytes) -> None:
        """Queue a message and send what is possible at once; raises `ChannelClosedError`."""
        if self._socket is None:
            try:
                self._connection.send_bytes(message)
            except OSError as error:
                raise ChannelClosedError from error
        else:
            self._out += _LENGTH.pack(len(message)) + message
            self.flush()

    def flush(self) -> None:
        """Send more of the queue; raises `ChannelClosedError`."""
        while self._out and self._socket is not None:
            try:
                sent = self._socket.send(self._out[:CHUNK_BYTES], socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise ChannelClosedError from error
            del self._out[:sent]

    def receive(self) -> bytes | None:
        """Return one whole message, None if none is complete; raises `ChannelClosedError` and `BadFrameError`."""
        if self._socket is None:
            return self._receive_whole()
        message = self._cut()
        while message is None and not self._is_over and self._read(self._socket):
            message = self._cut()
        if message is None and self._is_over:
            raise ChannelClosedError
        return message

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._connection.close()

    def _receive_whole(self) -> bytes | None:
        try:
            return self._connection.recv_bytes(MAX_MESSAGE_BYTES) if self._connection.poll(0) else None
        except EOFError as error:
            raise ChannelClosedError from error
        except OSError as error:  # a message that is too long also ends the connection
            raise ChannelClosedError from error

    def _read(self, source: socket.socket) -> bool:
        """Read new bytes into the buffer; return False if there are none."""
        try:
            piece = source.recv(CHUNK_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            piece = b""
        self._is_over = not piece
        self._in += piece
        return bool(piece)

    def _cut(self) -> bytes | None:
        """Return the first whole message of the buffer, None if there is none."""
        if len(self._in) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._in)
        if not 0 <= length <= MAX_MESSAGE_BYTES:
            raise BadFrameError(f"a message of {length} bytes")
        end = _LENGTH.size + length
        if len(self._in) < end:
            return None
        message = bytes(self._in[_LENGTH.size : end])
        del self._in[:end]
        return message


class Numbered:
    """Frames of one side of a job elsewhere, numbered so that none is lost or repeated when its connection is replaced.

    Each side owns one. A sent frame is kept until the other side has confirmed it.
    """

    def __init__(self) -> None:
        """Create the side of a job that has sent and received nothing."""
        self.received = self.kept_bytes = self._sent = 0
        self._kept: deque[tuple[int, bytes]] = deque()

    def add(self, content: bytes) -> bytes:
        """Return the frame that carries `content`."""
        self._sent += 1
        frame = NUMBERED + _NUMBER.pack(self._sent) + content
        self._kept.append((self._sent, frame))
        self.kept_bytes += len(frame)
        return frame

    def take(self, frame: bytes) -> bytes | None:
        """Return the content of a received frame, None if it came before; raise `BadFrameError` if one is missing."""
        if len(frame) < 1 + _NUMBER.size + 1:
            raise BadFrameError("a numbered frame without content")
        (number,) = _NUMBER.unpack_from(frame, 1)
        if number > self.received + 1:
            raise BadFrameError(f"frame {number} after {self.received}")
        if number <= self.received:
            return None
        self.received = number
        return frame[1 + _NUMBER.size :]

    def confirm(self, number: object) -> None:
        """Release the frames up to this number."""
        if not isinstance(number, int) or number > self._sent:
            raise BadFrameError("a frame was confirmed that was never sent")
        while self._kept and self._kept[0][0] <= number:
            self.kept_bytes -= len(self._kept.popleft()[1])

    @property
    def unconfirmed(self) -> list[bytes]:
        """Return the frames to send again on a new connection."""
        return [frame for _, frame in self._kept]


def control(**facts: Any) -> bytes:
    """Return a control frame."""
    return CONTROL + json.dumps(facts).encode()


def read_control(frame: bytes) -> dict[str, Any]:
    """Return the facts of a control frame; raises `BadFrameError`."""
    try:
        facts = json.loads(frame[1:]) if frame[:1] == CONTROL else None
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise BadFrameError(f"no control frame: {frame[:40]!r}")
    return facts
