"""What a session of a language model answers, whatever runs it: it reads on from what it has read (its cache)."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .base import Arrays
from .next_tokens import WIDTH, thoughts

LOGITS_BYTES = 64 << 20
"""Logits of so many bytes are asked for at once; longer texts are read in pieces."""

IDS, COUNTED, MORE = "input_ids", "counted", "new_tokens"
TOKENS, THOUGHTS = "tokens", "next_tokens"


class Spoken(NamedTuple):
    """One timed answer: seconds to its first token and of all others, of `tokens` in all."""

    prompt_tokens: int
    tokens: int
    first_s: float
    rest_s: float


class ChatSession(ABC):
    """`run` judges or times, `read` and `begin` are what a chat is made of. `spoken` notes each timed answer.

    With `by_token` what is judged is read token by token, as an answer is, and what comes before it in one piece, as a
    prompt is: where tokens that are read together are computed otherwise than one alone.
    """

    device_ran = "cpu"
    fallbacks: tuple[str, ...] = ()

    def __init__(self, vocabulary: int, *, by_token: bool) -> None:
        self.vocabulary = vocabulary
        self._piece = max(16, LOGITS_BYTES // (4 * vocabulary))
        self._judged_piece = 1 if by_token else self._piece
        self._read = 0
        self.spoken: list[Spoken] = []

    @abstractmethod
    def _forget(self) -> None:
        """Make the cache empty."""

    @abstractmethod
    def _logits(self, ids: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits (places, vocabulary) behind these of the tokens, which follow `_read` others; valid until the next
        call."""

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """With `new_tokens` (1,) so many `tokens` (1, n) int64 after the text `input_ids` (1, tokens), the likeliest
        each time, whatever they are; else `next_tokens` (1, places, `next_tokens.WIDTH`) float32 for the tokens that
        are `counted` (1, tokens)."""
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
        """Forget what was read."""
        self._forget()
        self._read = 0

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read on; the logits (vocabulary,) of what follows."""
        last = np.empty(0, np.float32)
        for start in range(0, len(ids), self._piece):
            piece = ids[start : start + self._piece]
            last = self._call(piece, np.asarray([len(piece) - 1]))[-1]
        return last.copy()

    def _go_on(self, ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        found: list[int] = []
        began_s = time.perf_counter()
        logits = self.read(ids)
        first_s = time.perf_counter()
        for number in range(count):
            found.append(int(logits.argmax()))
            if number + 1 < count:
                logits = self.read(np.asarray(found[-1:], np.int64))
        rest_s = time.perf_counter() - first_s
        self.spoken.append(Spoken(len(ids), count, first_s - began_s, rest_s))
        return np.asarray(found, np.int64)

    def _judged(self, ids: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.float32]:
        parts = [np.empty((0, WIDTH), np.float32)]
        begin = 0
        if self._judged_piece == 1 and counted[1:].any():
            begin = int(np.argmax(counted[1:]))
            self.read(ids[:begin])
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
        """Let the model go."""
