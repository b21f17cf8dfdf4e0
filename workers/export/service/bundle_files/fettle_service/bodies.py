"""Read bodies of requests, with limits for each body, for its time, and for all bodies together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from .documents import RequestError

MANY, HURRY = 100, 3
"""Number of simultaneous bodies above which pauses are limited to a third of the time.

Otherwise thousands of announced bodies that never arrive would keep others from being read.
"""


@dataclass(eq=False)
class _Held:
    """One body in memory; `timeout` is set while it is being received."""

    size: int = 0
    timeout: asyncio.Timeout | None = None
    is_dropped: bool = False


class Bodies:
    """Reader of all bodies of one service, which hold at most `all_bytes` together until they are answered.

    If a further part would exceed that limit, the largest incomplete body is dropped. Clients with small requests
    therefore continue while others announce or send large ones.
    """

    def __init__(self, each_bytes: int, all_bytes: int, whole_s: float, pause_s: float) -> None:
        """Create a reader.

        Args:
            each_bytes: Limit of one body.
            all_bytes: Limit of all bodies together.
            whole_s: Seconds for one whole body.
            pause_s: Seconds between two parts.
        """
        self._each_bytes, self._all_bytes = each_bytes, all_bytes
        self._whole_s, self._pause_s = whole_s, pause_s
        self._held: set[_Held] = set()
        self._coming = 0
        self.size_bytes = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Read one whole body and count it until the context ends.

        Raises:
            RequestError: 413 for a body that is too large, 408 if it comes too slowly, 415 if it is compressed, 503 if
                all bodies together need too much memory.
        """
        held = _Held()
        self._held.add(held)
        try:
            yield await self._whole(request, held)
        finally:
            self._held.discard(held)
            self.size_bytes -= held.size

    async def _whole(self, request: Request, held: _Held) -> bytes:
        if request.headers.get("content-encoding", "identity") != "identity":
            raise RequestError("compressed bodies are not accepted; send it uncompressed", 415)
        too_large = RequestError(f"the body has more than {self._each_bytes:,} bytes", 413)
        length = request.headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:20]) > self._each_bytes:
            raise too_large
        parts: list[bytes] = []
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self._whole_s
        self._coming += 1
        try:
            async with asyncio.timeout_at(min(ends_s, loop.time() + self._patience_s())) as held.timeout:
                async for part in request.stream():
                    if held.size + len(part) > self._each_bytes:
                        raise too_large
                    self._grow(held, len(part))
                    parts.append(part)
                    held.timeout.reschedule(min(ends_s, loop.time() + self._patience_s()))
        except TimeoutError as error:
            if held.is_dropped:
                raise _too_much() from error
            raise RequestError(
                f"the body did not come: it may take {self._whole_s:g} s, and pause for {self._pause_s:g} s", 408
            ) from error
        finally:
            held.timeout = None
            self._coming -= 1
        return b"".join(parts)

    def _patience_s(self) -> float:
        return self._pause_s if self._coming <= MANY else self._pause_s / HURRY

    def _grow(self, held: _Held, more: int) -> None:
        """Count `more` bytes, after other bodies were dropped if they would exceed the limit."""
        if held.is_dropped:  # a part that arrived at the same time
            raise _too_much()
        while self.size_bytes + more > self._all_bytes:
            coming = [one for one in self._held if one.timeout is not None and not one.is_dropped]
            largest = max(coming, key=lambda one: one.size)
            if largest.size <= held.size:
                raise _too_much()
            self._drop(largest)
        held.size += more
        self.size_bytes += more

    def _drop(self, held: _Held) -> None:
        assert held.timeout is not None
        held.is_dropped = True
        self.size_bytes -= held.size
        held.size = 0
        held.timeout.reschedule(asyncio.get_running_loop().time())


def _too_much() -> RequestError:
    return RequestError("the bodies of all requests together need too much memory; try again in a moment", 503)
