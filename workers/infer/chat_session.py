"""Define the base session of language models, which keeps a cache of the tokens that it has read."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .base import Arrays
from .lookup import Lookup
from .next_tokens import WIDTH, thoughts

LOGITS_BYTES = 64 << 20
"""Memory in bytes for the logits of one call; longer texts are read in pieces."""

IDS, COUNTED, MORE = "input_ids", "counted", "new_tokens"
TOKENS, THOUGHTS = "tokens", "next_tokens"


class ChatTurn(NamedTuple):
    """Timing of one generated text: seconds to the first token and seconds for all others.

    `tokens` is the number of generated tokens, including the first.
    """

    prompt_tokens: int
    tokens: int
    first_s: float
    rest_s: float


class ChatSession(ABC):
    """One loaded language model; `run` evaluates or times it, `begin` and `read` make up a chat.

    `spoken` records the timing of each generated text. With `by_token`, the evaluated tokens are read one by one, as in
    generation, and the tokens before them in one piece, as a prompt. That matters where tokens that are read together
    are computed differently from single ones.
    """

    device_ran = "cpu"
    fallbacks: tuple[str, ...] = ()

    def __init__(self, vocabulary: int, *, by_token: bool, drops: bool = True) -> None:
        """Create a session with an empty cache.

        Args:
            vocabulary: number of tokens that the model knows.
            by_token: whether evaluated tokens are read one by one.
            drops: whether `drop` leaves the cache as it was before the dropped tokens.
        """
        self.vocabulary = vocabulary
        self._piece = max(16, LOGITS_BYTES // (4 * vocabulary))
        self._judged_piece = 1 if by_token else self._piece
        self._read = 0
        self.spoken: list[ChatTurn] = []
        self.lookup = Lookup(self, exact=by_token) if drops else None

    @abstractmethod
    def _forget(self) -> None:
        """Empty the cache."""

    @abstractmethod
    def _cut(self, tokens: int) -> None:
        """Keep only the first `tokens` in the cache."""

    @abstractmethod
    def _logits(self, ids: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read tokens that follow `_read` earlier ones and return logits, valid until the next call.

        Args:
            ids: the tokens (n,), int64.
            places: indices of the tokens after which logits are returned.

        Returns:
            Logits (places, vocabulary), float32.
        """

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Generate tokens, or return the scores of the tokens of a text.

        Args:
            feeds: `input_ids` (1, tokens) is the text. With `new_tokens` (1,), that many tokens are generated, always
                the
            most likely one, and an end token does not stop it. `counted` (1, tokens) marks the tokens to score.

        Returns:
            `tokens` (1, n) int64 if `new_tokens` is given; otherwise `next_tokens` (1, places, `next_tokens.WIDTH`)
                float32.
        """
        ids = np.asarray(feeds[IDS], np.int64)
        if ids.ndim != 2 or len(ids) != 1 or not ids.size:
            raise ValueError(f"input {IDS!r} takes one row of tokens, not {ids.shape}")
        self._check(ids)
        self.begin()
        if MORE in feeds:
            return {TOKENS: self._go_on(ids[0], int(np.asarray(feeds[MORE]).ravel()[0]))[None]}
        counted = np.asarray(feeds.get(COUNTED, np.ones_like(ids)))[0].astype(bool)
        return {THOUGHTS: self._judged(ids[0], counted)[None]}

    def begin(self) -> None:
        """Start a new text with an empty cache."""
        self._forget()
        self._read = 0
        if self.lookup is not None:
            self.lookup.begin()

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read further tokens and return the logits (vocabulary,) of the next token."""
        if self.lookup is not None:
            self.lookup.settle()
            self.lookup.add(ids)
        return self._read_on(ids)

    def follow(self, token: int, most: int) -> NDArray[np.float32]:
        """Read the likeliest token, as `read` does, and return the logits (vocabulary,) of the next one.

        Up to `most` tokens that the text seems to repeat are read along with it, which is faster where they hold.
        """
        return self._read_on(np.asarray([token])) if self.lookup is None else self.lookup.follow(token, most)

    def read_each(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read up to 16 tokens in one piece and return the logits (n, vocabulary) after each."""
        return self._call(ids, np.arange(len(ids))).copy()

    def drop(self, count: int) -> None:
        """Remove the last `count` tokens from the cache."""
        self._cut(self._read - count)
        self._read -= count

    def _read_on(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        last = np.empty(0, np.float32)
        for start in range(0, len(ids), self._piece):
            piece = ids[start : start + self._piece]
            last = self._call(piece, np.asarray([len(piece) - 1]))[-1]
        return last.copy()

    def _go_on(self, ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        tokens: list[int] = []
        began_s = time.perf_counter()
        logits = self._read_on(ids)
        first_s = time.perf_counter()
        for number in range(count):
            tokens.append(int(logits.argmax()))
            if number + 1 < count:
                logits = self._read_on(np.asarray(tokens[-1:], np.int64))
        rest_s = time.perf_counter() - first_s
        self.spoken.append(ChatTurn(len(ids), count, first_s - began_s, rest_s))
        return np.asarray(tokens, np.int64)

    def _judged(self, ids: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.float32]:
        parts = [np.empty((0, WIDTH), np.float32)]
        begin = 0
        if self._judged_piece == 1 and counted[1:].any():
            begin = int(np.argmax(counted[1:]))
            self._read_on(ids[:begin])
        for start in range(begin, len(ids) - 1, self._judged_piece):
            piece = ids[start : min(start + self._judged_piece, len(ids) - 1)]
            following = slice(start + 1, start + 1 + len(piece))
            at = np.flatnonzero(counted[following])
            logits = self._call(piece, at if at.size else np.asarray([0]))
            if at.size:
                parts.append(thoughts(logits, ids[following][at]))
        return np.concatenate(parts)

    def _call(self, ids: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        self._check(ids)
        logits = self._logits(np.ascontiguousarray(ids, np.int64), places)
        self._read += len(ids)
        return logits

    def _check(self, ids: NDArray[np.int64]) -> None:
        if ids.min() < 0 or ids.max() >= self.vocabulary:
            raise ValueError(f"a token lies outside of the model's vocabulary of {self.vocabulary}")

    @abstractmethod
    def close(self) -> None:
        """Release the model."""
