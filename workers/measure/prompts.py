"""What a language model is timed with: prompts of several lengths, and so many words to answer each with."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.infer.base import Arrays
from workers.infer.chat_session import IDS, MORE

LENGTHS = (32, 128, 512)
"""Tokens of a prompt: a question, a paragraph, a page."""

NEW_TOKENS = 16


def prompts(items: Iterable[Mapping[str, NDArray[Any]]], context: int, count: int, batch: int) -> list[Arrays]:
    """`count` requests of lengths in turn, cut out of the texts of `items` one after the other.

    Raises InputRefused for batches, which a chat has none of.
    """
    if batch != 1:
        raise InputRefused(
            "batch_is_fixed",
            "A chat answers one at a time",
            f"It cannot be measured with {batch} dialogues at once.",
            "Measure it with batch 1.",
        )
    said = tokens_of(items)
    requests: list[Arrays] = []
    start = 0
    for number in range(count):
        length = min(LENGTHS[number % len(LENGTHS)], max(1, context - NEW_TOKENS))
        requests.append(prompt(said, start, length))
        start += length
    return requests


def tokens_of(items: Iterable[Mapping[str, NDArray[Any]]]) -> NDArray[np.generic]:
    """(tokens,) of all texts, one after the other."""
    return np.concatenate([np.array(item[IDS])[0] for item in items])


def prompt(said: NDArray[np.generic], start: int, length: int) -> Arrays:
    """A request: `length` tokens from `start` on, from the beginning again where there are no more."""
    ids = np.take(said, np.arange(start, start + length), mode="wrap").astype(np.int64)
    return {IDS: ids[None], MORE: np.asarray([NEW_TOKENS], np.int64)}
