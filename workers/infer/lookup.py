"""Read tokens ahead that a text seems to repeat, and keep those that the model would have chosen itself.

Prompt lookup (Saxena 2023, github.com/apoorvumang/prompt-lookup-decoding), a form of speculative decoding
(Leviathan et al., arXiv 2211.17192) whose guesses come from the text so far. The likeliest tokens stay the same ones.
Tokens that are read together may be computed in another order than single ones, so a session compares both once, and
reads ahead only where the difference cannot change a choice.
"""

from __future__ import annotations

import time
from collections import deque
from statistics import median
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

REPEATED = 3
"""Number of last tokens that are looked up in the text before them."""

SHORTEST, LONGEST = 3, 15
"""Numbers of tokens that are guessed at once; a guess that holds doubles the next one."""

COMPARED = 4
"""Number of tokens that are read singly and together, once for each session."""

ROUNDING, MARGIN = 1e-4, 16
"""Largest difference of logits, relative to their range, that counts as rounding in 32 bits, and by how many times the
difference the likeliest token must lead. Otherwise the token is read again, alone."""

FADES = 0.8
"""Weight of earlier guesses in the time that guesses saved."""

PAUSE, LONGEST_PAUSE = 16, 1024
"""Numbers of guesses that are left out after guesses that took longer than they saved; the pause doubles each time."""


class TokenReader(Protocol):
    """Methods of a session that guessing needs."""

    def read_each(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read tokens in one piece and return the logits (n, vocabulary) after each."""
        ...

    def drop(self, count: int) -> None:
        """Remove the last tokens from the cache."""
        ...


class _Row(NamedTuple):
    token: int
    logits: NDArray[np.float32]


class Lookup:
    """The guesses of one session; what it learned about speed and rounding lasts from text to text.

    `taken` counts the tokens that were guessed.
    """

    def __init__(self, session: TokenReader, *, exact: bool) -> None:
        """Create it for a session; `exact` allows no rounding, because it would grow (activations in 8 bits)."""
        self._session, self._allowed = session, 0.0 if exact else ROUNDING
        self._apart: float | None = None
        self._is_allowed = False
        self._width, self._pause, self._waits = SHORTEST, PAUSE, 0
        self._single_s: deque[float] = deque(maxlen=8)
        self._saved_s = 0.0
        self.taken = 0
        self.begin()

    def begin(self) -> None:
        """Forget the previous text and its guesses; measured speeds and rounding stay."""
        self._text: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        self._singles: deque[_Row] = deque(maxlen=COMPARED)
        self._guessed: deque[_Row] = deque()
        self._spent_s, self._given, self._is_open, self._was_cut = 0.0, 0, False, False

    def add(self, ids: NDArray[np.int64]) -> int | None:
        """Remember tokens of the text; return the place after the last repetition of its end, or None."""
        found = None
        for token in ids.tolist():
            self._text.append(token)
            end = tuple(self._text[-REPEATED:])
            found = self._places.get(end)
            self._places[end] = len(self._text)
        return found

    def follow(self, token: int, most: int) -> NDArray[np.float32]:
        """Read the likeliest token, and perhaps up to `most` guesses; return the logits (vocabulary,) of the next."""
        place = self.add(np.asarray([token]))
        if self._guessed and self._guessed[0].token == token:
            logits = self._guessed.popleft().logits
            if self._leads(logits):
                self.taken += 1
                self._given += 1
                return logits
            self.settle(unsure=1)
            return self._alone(token)
        self.settle()
        wanted = min(self._width, most)
        if place is None or wanted < 1 or not self._may():
            return self._alone(token)
        return self._together(token, [self._text[place + at % (len(self._text) - place)] for at in range(wanted)])

    def settle(self, unsure: int = 0) -> None:
        """Remove guesses that were not taken, and `unsure` tokens before them, from the cache.

        The next guess is longer if this one held. There is a pause if the last guesses took longer than they saved.
        """
        if not self._is_open:
            return
        if rejected := len(self._guessed) + unsure:
            began_s = time.perf_counter()
            self._session.drop(rejected)
            self._guessed.clear()
            self._spent_s += time.perf_counter() - began_s
            self._was_cut = True
        self._width = max(SHORTEST, self._width // 2) if rejected else min(LONGEST, 2 * self._width + 1)
        self._saved_s = FADES * self._saved_s + self._given * median(self._single_s) - self._spent_s
        if self._saved_s < 0:
            self._waits, self._pause = self._pause, min(LONGEST_PAUSE, 2 * self._pause)
            self._saved_s = 0.0
        else:
            self._pause = max(PAUSE, self._pause // 2)
        self._given, self._is_open = 0, False

    def _may(self) -> bool:
        """Return whether guesses may be read now; compare both ways of reading at the first time."""
        if self._waits:
            self._waits -= 1
            return False
        if self._apart is None and len(self._singles) == COMPARED:
            self._compare()
        return self._is_allowed

    def _compare(self) -> None:
        tokens = np.asarray([row.token for row in self._singles], np.int64)
        self._session.drop(COMPARED)
        rows = self._session.read_each(tokens)
        self._apart = float(np.abs(rows - np.stack([row.logits for row in self._singles])).max())
        self._is_allowed = bool(self._apart <= self._allowed * np.ptp(rows))
        if not self._is_allowed:  # the cache gets back what single tokens put there
            self._session.drop(COMPARED)
            for number in range(COMPARED):
                self._session.read_each(tokens[number : number + 1])

    def _together(self, token: int, guesses: list[int]) -> NDArray[np.float32]:
        began_s = time.perf_counter()
        rows = self._session.read_each(np.asarray([token, *guesses], np.int64))
        self._spent_s, self._is_open = time.perf_counter() - began_s, True
        self._was_cut = False
        self._singles.clear()
        self._guessed.extend(map(_Row, guesses, rows[1:]))
        if self._leads(rows[0]):
            self._given = 1
            return np.asarray(rows[0])
        self.settle(unsure=1)
        return self._alone(token)

    def _leads(self, logits: NDArray[np.float32]) -> bool:
        """Return whether rounding cannot have chosen the likeliest token."""
        if not self._apart:
            return True
        second, first = np.partition(logits, -2)[-2:]
        return bool(first - second > MARGIN * self._apart)

    def _alone(self, token: int) -> NDArray[np.float32]:
        began_s = time.perf_counter()
        logits: NDArray[np.float32] = self._session.read_each(np.asarray([token], np.int64))[0]
        took_s = time.perf_counter() - began_s
        if self._was_cut:  # the first token after a cut may have to move the cache
            self._saved_s -= max(0.0, took_s - median(self._single_s))
            self._was_cut = False
        else:
            self._single_s.append(took_s)
        self._singles.append(_Row(token, logits))
        return logits
