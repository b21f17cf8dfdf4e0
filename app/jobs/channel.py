"""Exchange messages over a multiprocessing connection without ever blocking, whatever the other end does.

`Connection.recv_bytes` waits for the rest of a partial message, and `send_bytes` for a reader: a hanging or malicious
worker would freeze the window. On Linux and macOS a duplex pipe is a pair of sockets, which are read and written here
piece by piece. Their frames begin with a signed 32-bit big-endian length (multiprocessing.connection, `_send_bytes`).
Windows keeps messages whole by itself.
"""

import os
import socket
import struct
import sys
from multiprocessing.connection import Connection

MAX_MESSAGE_BYTES = 64 << 20
CHUNK_BYTES = 1 << 18
_LENGTH = struct.Struct("!i")


class ChannelClosedError(Exception):
    """The other end is gone, and everything that it sent was returned."""


class BadFrameError(Exception):
    """The received bytes are not a frame, or the frame exceeds `MAX_MESSAGE_BYTES`."""


class Channel:
    """The parent's end of a connection to a worker process, which it owns."""

    def __init__(self, connection: "Connection[bytes, bytes]") -> None:
        """Create the end of `connection`, without blocking on Linux and macOS."""
        self._connection = connection
        self._socket: socket.socket | None = None
        if sys.platform != "win32":
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._in = bytearray()
        self._out = bytearray()
        self._is_over = False

    @property
    def connection(self) -> "Connection[bytes, bytes]":
        """Return the connection, to wait for messages."""
        return self._connection

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
