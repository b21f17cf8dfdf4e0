"""Bodies of requests: bounded each, in time, and all together."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request

from workers.export.service.bundle_files.fettle_service.bodies import MANY, Bodies
from workers.export.service.bundle_files.fettle_service.documents import RequestError


class Client:
    """A request whose body comes in parts, by calls of `send`."""

    def __init__(self, bodies: Bodies, headers: dict[str, str] | None = None) -> None:
        self._parts: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self._request = Request({"type": "http", "headers": raw}, self._receive)
        self._bodies, self.answered = bodies, asyncio.Event()
        self.status: int | None = None
        self.body = b""
        self.task = asyncio.create_task(self._read())

    async def _receive(self) -> dict[str, object]:
        part, more = await self._parts.get()
        return {"type": "http.request", "body": part, "more_body": more}

    async def _read(self) -> None:
        try:
            async with self._bodies.read(self._request) as body:
                self.status, self.body = 200, body
                await self.answered.wait()
        except RequestError as error:
            self.status = error.status

    async def send(self, size: int, more: bool = True) -> "Client":
        self._parts.put_nowait((b"x" * size, more))
        await self.rest()
        return self

    async def rest(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


def in_loop(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())


def test_body_that_pauses_is_refused() -> None:
    """Given a part of a body and then nothing, Then 408 after the pause that it may make, long before its whole time."""

    async def test() -> None:
        client = await Client(Bodies(100, 400, 60.0, 0.05)).send(4)
        await asyncio.wait_for(client.task, 5)
        assert client.status == 408

    in_loop(test)


def test_body_that_trickles_is_refused() -> None:
    """Given a part each moment, Then 408 after the time that a whole body has."""

    async def test() -> None:
        client = Client(Bodies(100, 400, 0.2, 0.1))
        for _ in range(40):
            await client.send(1)
            await asyncio.sleep(0.02)
        assert client.status == 408

    in_loop(test)


def test_many_bodies_at_once_may_pause_for_less() -> None:
    """Given hundreds of bodies that do not come, Then the later ones are refused before the earlier ones."""

    async def test() -> None:
        bodies = Bodies(100, 40_000, 60.0, 3.0)
        clients = [Client(bodies) for _ in range(MANY + 50)]
        await asyncio.sleep(1.5)
        assert [one.status for one in clients] == [None] * MANY + [408] * 50
        for one in clients:
            one.task.cancel()

    in_loop(test)


@pytest.mark.parametrize("headers", [{}, {"content-length": "101"}, {"content-length": "9" * 20}])
def test_body_that_is_too_large_is_refused(headers: dict[str, str]) -> None:
    async def test() -> None:
        client = await Client(Bodies(100, 400, 60.0, 60.0), headers).send(101)
        assert client.status == 413

    in_loop(test)


def test_compressed_body_is_refused() -> None:
    async def test() -> None:
        client = await Client(Bodies(100, 400, 60.0, 60.0), {"content-encoding": "gzip"}).send(1)
        assert client.status == 415

    in_loop(test)


def test_bodies_together_are_bounded_and_small_ones_go_on() -> None:
    """Given ten large bodies that come side by side, Then all together never exceed the limit, the largest are refused, and
    small ones are read."""

    async def test() -> None:
        bodies = Bodies(100, 250, 60.0, 60.0)
        large = [Client(bodies) for _ in range(10)]
        for _ in range(9):
            for one in large:
                await one.send(10)
                assert bodies.size_bytes <= 250
        small = [await Client(bodies).send(5, more=False) for _ in range(10)]
        assert [one.status for one in small] == [200] * 10
        refused = [one for one in large if one.status == 503]
        assert len(refused) >= 8
        for one in (*small, *large):
            one.answered.set()
            await one.send(0, more=False)
        assert bodies.size_bytes == 0

    in_loop(test)


def test_body_counts_until_it_is_answered() -> None:
    """Given whole bodies that wait for their answers, Then a further one is refused, and read once there is room again."""

    async def test() -> None:
        bodies = Bodies(100, 250, 60.0, 60.0)
        first, second = [await Client(bodies).send(100, more=False) for _ in range(2)]
        late = await Client(bodies).send(100, more=False)
        assert (first.status, second.status, late.status) == (200, 200, 503)
        first.answered.set()
        await first.rest()
        assert (await Client(bodies).send(100, more=False)).status == 200
        assert second.body == b"x" * 100

    in_loop(test)
