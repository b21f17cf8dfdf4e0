"""Parts of the server by themselves: joined requests, kept answers, sockets."""

import inspect
import socket
import threading

import numpy as np
import pytest

from workers.export.service.bundle_files.fettle_service.cache import Cache
from workers.export.service.bundle_files.fettle_service.engine import Axes, Engine, Overloaded
from workers.export.service.bundle_files.fettle_service.gate import Allowed, given_key
from workers.export.service.bundle_files.fettle_service.server import listening


class Slow:
    """A model that doubles, waits until it is let go, and fails where a 13 is in the batch."""

    def __init__(self) -> None:
        self.free, self.sizes = threading.Event(), []

    def run(self, feeds):
        self.free.wait(10)
        self.sizes.append(len(feeds["x"]))
        if (feeds["x"] == 13).any():
            raise RuntimeError("thirteen")
        return {"y": feeds["x"] * 2 + feeds.get("add", 0)}


@pytest.fixture
def slow():
    model = Slow()
    engine = Engine(model, Axes({"x": 0}, {"y": 0}), max_batch=4, max_waiting=8)
    yield model, engine
    model.free.set()
    engine.close()


def send_request(engine: Engine, number: float, **more: float):
    return engine.submit({"x": np.full((1, 2), number), **{name: np.array(value) for name, value in more.items()}})


def test_one_that_fails_takes_no_other_along(slow) -> None:
    """Given a batch with one request that the model cannot answer, then this one alone gets the error."""
    model, engine = slow
    requested = [send_request(engine, number) for number in (1, 2, 13, 3, 4)]
    model.free.set()
    assert [float(one.result(10)["y"][0, 0]) for index, one in enumerate(requested) if index != 2] == [2, 4, 6, 8]
    with pytest.raises(RuntimeError, match="thirteen"):
        requested[2].result(10)
    assert max(model.sizes) == 4


def test_only_requests_that_agree_are_joined(slow) -> None:
    """Given another value of an input that is the same for a whole batch, then each request keeps its own."""
    model, engine = slow
    requested = [send_request(engine, 1, add=number % 2) for number in range(6)]
    model.free.set()
    assert [float(one.result(10)["y"][0, 0]) for one in requested] == [2, 3, 2, 3, 2, 3]
    assert set(model.sizes) == {1}


def test_no_more_wait_than_may(slow) -> None:
    """Given a model that is at work, then after so many requests the next is refused at once; given up ones are not run."""
    model, engine = slow
    requested: list = []
    with pytest.raises(Overloaded):
        while len(requested) < 20:
            requested.append(send_request(engine, len(requested)))
    given_up = sum(one.cancel() for one in requested)
    assert given_up >= 4
    model.free.set()
    done = [one for one in requested if not one.cancelled()]
    assert [float(one.result(10)["y"][0, 0]) for one in done] == [2.0 * number for number in range(len(done))]


def test_model_is_closed_by_its_own_thread() -> None:
    """Given a release that ends, Then the thread that ran the model closes it: OpenVINO crashes otherwise."""
    model, seen = Slow(), []
    model.free.set()
    engine = Engine(model, Axes({"x": 0}, {"y": 0}), max_batch=4, max_waiting=8)
    engine.do(lambda: seen.append(threading.get_ident())).result(10)
    engine.close(lambda: seen.append(threading.get_ident()))
    assert seen[0] == seen[1] != threading.get_ident()


def test_kept_answers_are_bounded_and_of_their_release() -> None:
    """Given more answers than memory for them, then those unused longest go; the same arrays of another release, dtype or
    shape are something else."""
    cache = Cache(8_000)
    feeds = [{"x": np.full(4, number, np.float32)} for number in range(20)]
    for one in feeds:
        cache.put(cache.key("a", one), {"y": np.zeros(100)})
    assert cache.size_bytes <= 8_000
    assert cache.get(cache.key("a", feeds[0])) is None and cache.get(cache.key("a", feeds[-1])) is not None
    keys = {cache.key(*pair) for pair in (("a", feeds[1]), ("b", feeds[1]), ("a", {"x": feeds[1]["x"].reshape(2, 2)}),
                                          ("a", {"x": feeds[1]["x"].view(np.int32)}), ("a", {"z": feeds[1]["x"]}))}  # fmt: skip
    assert len(keys) == 5
    cache.put(cache.key("a", feeds[1]), {"y": np.zeros(2_000)})
    assert cache.get(cache.key("a", feeds[1])) is None
    assert Cache(0).key("a", feeds[0]) == b""


def test_key_is_checked_without_a_thread() -> None:
    """Given the checks of the key, then they are coroutines: FastAPI hands plain functions to threads, which made a small
    request take three times as long while other programs run."""
    assert all(map(inspect.iscoroutinefunction, (given_key, Allowed.check_key)))


def test_answers_wait_for_no_acknowledgment() -> None:
    """Given the socket that the server listens at, then its connections send each part of an answer at once (without it
    every answer on a kept connection took 40 ms longer)."""
    with listening("127.0.0.1", 0) as server, socket.create_connection(server.getsockname()[:2]):
        connection, _address = server.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
