"""Make the requests with which a language model is timed: prompts of several lengths and a number of new tokens."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.infer.base import Arrays
from workers.infer.chat_session import IDS, MORE

LENGTHS = (32, 128, 512)
"""Lengths of prompts in tokens: a question, a paragraph, a page."""

NEW_TOKENS = 16


def prompts(items: Iterable[Mapping[str, NDArray[Any]]], context: int, count: int, batch: int) -> list[Arrays]:
    """Return `count` requests with alternating lengths, cut out of the consecutive texts of `items`.

    Raises:
        InputRefused: `batch` is not 1, because a chat has no batches.
    """
    if batch != 1:
        raise InputRefused(
            "batch_is_fixed",
            "A chat model answers one chat at a time",
            _("It cannot be measured with {0} chats at once.").format(batch),
            "Measure it with batch 1.",
        )
    tokens = tokens_of(items)
    requests: list[Arrays] = []
    start = 0
    for number in range(count):
        length = min(LENGTHS[number % len(LENGTHS)], max(1, context - NEW_TOKENS))
        requests.append(prompt(tokens, start, length))
        start += length
    return requests


def tokens_of(items: Iterable[Mapping[str, NDArray[Any]]]) -> NDArray[np.generic]:
    """Return the tokens (n,) of all texts, one after the other."""
    return np.concatenate([np.array(item[IDS])[0] for item in items])


def prompt(tokens: NDArray[np.generic], start: int, length: int) -> Arrays:
    """Return a request of `length` tokens from `start` on, continuing at the beginning after the last token."""
    ids = np.take(tokens, np.arange(start, start + length), mode="wrap").astype(np.int64)
    return {IDS: ids[None], MORE: np.asarray([NEW_TOKENS], np.int64)}
