"""Time limits: what a client does not wait for any more is not begun, and nothing waits without end."""

import asyncio
import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from workers.export.service.bundle_files.fettle_service import chat
from workers.export.service.bundle_files.fettle_service.documents import RequestError
from workers.export.service.bundle_files.fettle_service.engine import Axes, Engine
from workers.export.service.bundle_files.fettle_service.forms import ChatBody, read_body
from workers.export.service.bundle_files.fettle_service.limits import Limits
from workers.export.service.bundle_files.fettle_service.turns import Turn

PATIENCE_S = 10


class Held:
    """A model that answers when it is let go, and counts how often it was run."""

    def __init__(self) -> None:
        self.free, self.runs, self.begun = threading.Event(), 0, threading.Event()

    def run(self, feeds):
        self.begun.set()
        self.free.wait()
        self.runs += 1
        return {"y": feeds["x"]}


@pytest.fixture
def held():
    model = Held()
    engine = Engine(model, Axes({"x": 0}, {"y": 0}), max_batch=1, max_waiting=8)
    yield model, engine
    model.free.set()
    engine.close()


FEEDS = {"x": np.zeros((1, 2))}


def test_turn_ends_in_time(held) -> None:
    """Given a model that does not answer, Then TimeoutError after the limit, and no further run."""
    model, engine = held
    turn = Turn(engine, 0.1)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            turn.run(FEEDS)
    assert model.runs == 0
    model.free.set()
    engine.run(FEEDS)
    assert model.runs <= 2


def test_turn_that_is_given_up_is_not_begun(held) -> None:
    """Given a request that waits behind another, When its client leaves, Then the model never runs for it."""
    model, engine = held
    first = engine.submit(FEEDS)
    assert model.begun.wait(PATIENCE_S)
    turn, raised = Turn(engine, PATIENCE_S), []

    def work() -> None:
        try:
            turn.run(FEEDS)
        except TimeoutError as error:
            raised.append(error)

    waiting = threading.Thread(target=work)
    waiting.start()
    while not engine.waiting:
        time.sleep(0.001)
    turn.end()
    waiting.join(PATIENCE_S)
    assert len(raised) == 1
    model.free.set()
    first.result(PATIENCE_S)
    engine.run(FEEDS)
    assert model.runs == 2


class Speaks:
    """A language model that answers one letter a token, each after `pause_s`; `prompts` counts its prompts."""

    error_type = ValueError

    def __init__(self, letters: str, pause_s: float = 0.0, context: int = 100) -> None:
        self.letters, self.pause_s, self.prompts = letters, pause_s, 0
        texts = SimpleNamespace(prompt=lambda messages: [0] * 10)
        self.pipeline = SimpleNamespace(chat=texts, spec=SimpleNamespace(chat=SimpleNamespace(context=context)))
        self.engine = Engine(SimpleNamespace(run=None), Axes({}, {}), max_batch=1, max_waiting=8)

    def answering(self, max_new_tokens: int, temperature: float, seed: int):
        return Answering(self, min(max_new_tokens, self.pipeline.spec.chat.context - 10))


class Answering:
    def __init__(self, model: Speaks, most: int) -> None:
        self._model, self._most, self.made = model, most, 0

    def pieces(self, messages):
        self._model.prompts += 1
        for letter in self._model.letters[: self._most]:
            time.sleep(self._model.pause_s)
            self.made += 1
            yield letter


def whole(model: Speaks, limits: Limits, **options: object):
    """(text, reason of the end) of one answer."""
    body = json.dumps({"messages": [{"role": "user", "content": "x"}], **options}).encode()

    async def talk():
        document = await chat.whole(await chat.Talk.begin(model, read_body(ChatBody, body), limits), "model")
        choice = document["choices"][0]
        return choice["message"]["content"], choice["finish_reason"]

    return asyncio.run(talk())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("abcabcd", "stop")),
        ({"max_tokens": 3}, ("abc", "length")),
        ({"stop": "cab"}, ("ab", "stop")),
        ({"stop": ["d", "cd"]}, ("abcab", "stop")),
        ({"stop": ["bcx", "abcd"]}, ("abc", "stop")),
        ({"stop": "abcx"}, ("abcabcd", "stop")),
        ({"stop": "dx"}, ("abcabcd", "stop")),
        ({"stop": "a"}, ("", "stop")),
        ({"stop": "abc", "max_tokens": 3}, ("", "stop")),
        ({"stop": None}, ("abcabcd", "stop")),
    ],
)
def test_chat_ends_at_its_stops(options: dict, expected: tuple[str, str]) -> None:
    """Given texts at which to stop, Then the answer ends before the first, also where it comes in pieces."""
    assert whole(Speaks("abcabcd"), Limits(), **options) == expected


def test_chat_that_fills_the_context_is_cut() -> None:
    """Given a model that reads 15 tokens at once and a prompt of 10, Then the reason of the end is the length."""
    assert whole(Speaks("abcdefgh", context=15), Limits()) == ("abcde", "length")


@pytest.mark.parametrize("stop", [7, [7], [""], "", ["a"] * 5, {"a": 1}, ["x" * 2000]])
def test_wrong_stops_are_refused(stop: object) -> None:
    with pytest.raises(RequestError):
        whole(Speaks("ab"), Limits(), stop=stop)


def test_chat_ends_in_time() -> None:
    """Given a model that goes on for minutes, Then its answer is cut after the time of a chat."""
    text, reason = whole(Speaks("a" * 80, pause_s=0.05), Limits(chat_s=0.2))
    assert reason == "length" and 1 <= len(text) < 80


def test_chat_without_a_piece_ends_in_time() -> None:
    """Given a model that is silent, Then TimeoutError, which the service answers as 504."""
    with pytest.raises(TimeoutError):
        whole(Speaks("ab", pause_s=1.0), Limits(answer_s=0.1))


def test_abandoned_chat_is_never_begun() -> None:
    """Given chats that wait behind another, When their clients leave, Then the model reads none of their prompts."""
    model = Speaks("abcdef", pause_s=0.05)
    requested = ChatBody(messages=[{"role": "user", "content": "x"}])

    async def talk() -> None:
        first = await chat.Talk.begin(model, requested, Limits())
        others = [await chat.Talk.begin(model, requested, Limits()) for _ in range(5)]
        for one in others:
            one.stop()
        await chat.whole(first, "model")
        last = await chat.Talk.begin(model, requested, Limits())
        await chat.whole(last, "model")

    asyncio.run(talk())
    assert model.prompts == 2
