"""Prompt lookup: the same tokens as without it, and no guesses where they would change or cost something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workers.infer import lookup
from workers.infer.lookup import COMPARED, LONGEST, PAUSE, Lookup
from workers.infer.openvino import load

VOCABULARY = 50
TEXT = (7, 8, 9, 10, 11, 12, 13, 14)


class Repeating:
    """A model whose next token is the one that followed the last token in `TEXT`; it counts what it reads.

    `apart` is added to the logits of tokens that are read together, and `lead` is how far the likeliest token leads. A
    pass takes `pass_s` seconds and `each_s` for each token; dropping takes `drop_s`.
    """

    def __init__(self, clock: list[float], apart: float = 0.0, lead: float = 1.0, each_s: float = 0.1) -> None:
        self.clock, self.apart, self.lead, self.each_s = clock, apart, lead, each_s
        self.cache: list[int] = []
        self.passes: list[int] = []
        self.breaks: set[int] = set()

    def read_each(self, ids: Any) -> Any:
        start = len(self.cache)
        self.cache += ids.tolist()
        self.passes.append(len(ids))
        self.clock[0] += 1.0 + self.each_s * (len(ids) - 1)
        rows = np.zeros((len(ids), VOCABULARY), np.float32)
        for row, token in enumerate(ids.tolist()):
            following = TEXT[(TEXT.index(token) + 1) % len(TEXT)] if token in TEXT else TEXT[0]
            rows[row, 3 if start + row in self.breaks else following] = self.lead
            if 1 < len(ids) < len(TEXT):
                rows[row] += self.apart * np.linspace(0, 1, VOCABULARY)
        return rows

    def drop(self, count: int) -> None:
        del self.cache[len(self.cache) - count :]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(lookup.time, "perf_counter", lambda: now[0])
    return now


def spoken(session: Repeating, ahead: Lookup | None, count: int) -> list[int]:
    """The likeliest tokens after `TEXT`, with and without guesses."""
    session.cache.clear()
    prompt = np.asarray(TEXT)
    if ahead is not None:
        ahead.begin()
        ahead.add(prompt)
    tokens, logits = [], session.read_each(prompt)[-1]
    for number in range(count):
        tokens.append(int(logits.argmax()))
        left = count - number - 2
        one = np.asarray(tokens[-1:])
        logits = session.read_each(one)[0] if ahead is None else ahead.follow(tokens[-1], left)
    return tokens


def test_repeated_text_is_read_in_long_passes(clock: list[float]) -> None:
    """Given a text that repeats, then nearly all tokens are guesses that held, and the cache holds the text alone."""
    session = Repeating(clock)
    ahead = Lookup(session, exact=True)
    tokens = spoken(session, ahead, 100)
    assert tokens == spoken(Repeating(clock), None, 100)
    assert ahead.taken > 80 and max(session.passes) == LONGEST + 1 and session.cache == [*TEXT, *tokens]


def test_wrong_guess_leaves_cache_as_without_it(clock: list[float]) -> None:
    """Given other words at some places, then guesses are dropped there, and the tokens are the same."""
    session, plain = Repeating(clock), Repeating(clock)
    session.breaks = plain.breaks = {20, 33, 47, 61}
    ahead = Lookup(session, exact=True)
    tokens = spoken(session, ahead, 70)
    assert tokens == spoken(plain, None, 70) and tokens.count(3) == 4 and 0 < ahead.taken < 70
    ahead.settle()
    assert session.cache == plain.cache


def test_near_tie_is_read_again_alone(clock: list[float]) -> None:
    """Given rounding that could choose between the two likeliest tokens, then each is read alone."""
    session = Repeating(clock, apart=5e-4, lead=4e-3)
    ahead = Lookup(session, exact=False)
    assert spoken(session, ahead, 60) == spoken(Repeating(clock), None, 60)
    assert ahead.taken == 0 and max(session.passes[1:]) > 1


@pytest.mark.parametrize(("apart", "exact"), [(1e-6, True), (0.2, False), (float("nan"), False)])
def test_tokens_that_are_computed_otherwise_are_never_guessed(clock: list[float], apart: float, exact: bool) -> None:
    """Given logits that differ too much when tokens are read together, then this is seen once, and the cache restored."""
    session = Repeating(clock, apart=apart)
    ahead = Lookup(session, exact=exact)
    for _ in range(2):
        tokens = spoken(session, ahead, 30)
        assert tokens == spoken(Repeating(clock), None, 30) and session.cache == [*TEXT, *tokens]
    assert [count for count in session.passes if count > 1] == [len(TEXT), COMPARED, len(TEXT)] and ahead.taken == 0


def test_guesses_pause_where_they_cost_more_than_they_save(clock: list[float]) -> None:
    """Given passes that take as long as their tokens one by one, then guesses are tried ever more seldom."""
    session = Repeating(clock, each_s=1.2)
    ahead = Lookup(session, exact=True)
    spoken(session, ahead, 20 * PAUSE)
    assert 2 <= sum(count > 1 for count in session.passes[1:]) <= 7


def greedy(session: Any, ids: Any, count: int, seen: Any = None) -> list[int]:
    """The likeliest tokens; with `seen`, guesses come from these tokens, too."""
    session.begin()
    if seen is not None and session.lookup is not None:
        session.lookup.add(seen)
    logits, tokens = session.read(ids), []
    for number in range(count):
        tokens.append(int(logits.argmax()))
        one = np.asarray(tokens[-1:])
        logits = session.read(one) if seen is None else session.follow(tokens[-1], count - number - 1)
    return tokens


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("settings", "guesses"),
    [
        ({"inference_precision": "f32"}, True),
        ({"inference_precision": "f32", "activation_group": 64}, None),
        ({"cache_bits": 8}, False),
    ],
)
def test_real_session_says_the_same_with_guesses(
    tiny_chat: Callable[[], Path], clock: list[float], settings: dict[str, Any], guesses: bool | None
) -> None:
    """Given guesses of which every ninth is wrong, and passes that cost nothing, then a session's tokens are those that
    it says without guesses."""
    session = load(tiny_chat() / "model.xml", {"chat": True, **settings}, 1)
    rng = np.random.default_rng(4)
    for _ in range(4):
        ids = rng.integers(3, session.vocabulary, 20)
        tokens = greedy(session, ids, 60)
        seen = np.asarray(tokens)
        seen[8::9] = rng.integers(3, session.vocabulary, len(seen[8::9]))
        assert greedy(session, ids, 60, seen) == tokens
    assert (session.lookup is not None) is (guesses is not False)
    assert guesses is None or guesses is (session.lookup is not None and session.lookup.taken > 60)
    session.close()
