"""Limit the server's connections: their number, and the time a client may take for a request.

uvicorn's own limit counts requests and refuses in plain text, and its time limit ends with the first byte of a further
request. Clients that connect and send next to nothing would fill the table of open files.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 1000
AT_ONCE = 32
"""Number of connections that are accepted before the next bytes are read.

asyncio accepts all that wait. A thousand at once would keep all other clients waiting, and a client among them would
have to make room before its request is read.
"""
OTHER_FILES = 100
"""Number of open files reserved for models, logs and uploads."""
HEAD_S = 2.5
"""Seconds for the head of a request, from the connection or from its own first byte."""
STALL_S = 20.0
"""Seconds within which a client must read a part of its response."""


def most_connections() -> int:
    """Return the maximum number of connections: one more would exceed this process's limit of open files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, files - OTHER_FILES))


_TOO_MANY = b'{"error": "too many connections at once"}'
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s"
) % (len(_TOO_MANY), _TOO_MANY)


class Connections:
    """Connections of one server that wait for their client: for a request, or for the rest of one.

    If a further client connects at the limit `most`, one waiting connection is closed: the oldest of those that never
    sent a whole request, otherwise the one that was unused longest.
    """

    def __init__(self, most: int) -> None:
        """Create an empty set with a limit."""
        self.most = most
        self._new: OrderedDict[Connection, None] = OrderedDict()
        self._used: OrderedDict[Connection, None] = OrderedDict()

    def wait(self, connection: Connection) -> None:
        """Add `connection`; one that waits already keeps its place."""
        place = self._used if connection.is_used else self._new
        place.setdefault(connection)

    def end(self, connection: Connection) -> None:
        """Remove `connection`: its request is complete, or it is closed."""
        self._new.pop(connection, None)
        self._used.pop(connection, None)

    def has_room(self, count: int) -> bool:
        """Return whether `count` connections are allowed, closing a waiting one if necessary."""
        if count <= self.most:
            return True
        waiting = self._new or self._used
        if not waiting:
            return False
        oldest, _ = waiting.popitem(last=False)
        oldest.drop()
        return True


class Connection(H11Protocol):
    """One connection; the server sets `waiting` (`connection_class`), `is_used` is true after its first response."""

    waiting: Connections
    head_s = HEAD_S

    def connection_made(self, transport: Any) -> None:
        """Accept the connection if there is room, otherwise refuse it."""
        super().connection_made(transport)
        self.is_used = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        if self.waiting.has_room(len(self.connections)):
            self._watch()
        else:
            transport.write(TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers of a closed connection."""
        self._end_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process the data, and wait for the rest of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that was answered early."""
        self.is_used = True
        self.waiting.end(self)
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.waiting.wait(self)  # uvicorn's own timer closes it without a further request
        else:
            self._watch()

    def send_400_response(self, msg: str) -> None:
        """Refuse invalid HTTP, or only close the connection if a response was begun."""
        if self.cycle is not None and not self.cycle.disconnected:
            self.cycle.disconnected = True  # a running response sends nothing more
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(json.dumps({"error": msg}))
        else:
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without a further request, even if its client does not read the last response."""
        super().timeout_keep_alive_handler()
        self.transport.abort()

    def pause_writing(self) -> None:
        """Start timing a client that reads slower than the server writes."""
        super().pause_writing()
        self._stall(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Stop timing a client that has read its response."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def drop(self) -> None:
        """Close the connection, with the protocol's error if a request had begun."""
        if self.cycle is not None and not self.cycle.response_started:
            self.transport.write(TOO_MANY)
        self._end_timers()
        self.transport.close()
        self.transport.abort()

    def _watch(self) -> None:
        """Give the client `head_s` from now if no request is in progress; a running timer continues."""
        if self.transport.is_closing():
            self._end_timers()
            return
        is_under_way = self.cycle is not None and not self.cycle.response_complete
        if is_under_way and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if not is_under_way and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_s, self.drop)
        if is_under_way and self.conn.their_state is not h11.SEND_BODY:
            self.waiting.end(self)
        else:
            self.waiting.wait(self)

    def _stall(self, before_bytes: int) -> None:
        """Check after `STALL_S` whether the client has read any of `before_bytes`."""
        self._stall_timer = self.loop.call_later(STALL_S, self._stalled, before_bytes)

    def _stalled(self, before_bytes: int) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes >= before_bytes:
            self.transport.abort()
        else:
            self._stall(left_bytes)

    def _end_timers(self) -> None:
        self.waiting.end(self)
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._stall_timer = None


def connection_class(most: int) -> type[Connection]:
    """Return the class of connections for one server, which share their limit."""
    return type("ServedConnection", (Connection,), {"waiting": Connections(most)})
