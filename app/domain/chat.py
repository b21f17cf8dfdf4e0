"""Compute the memory that a language model needs, and find where two answers to the same dialogue begin to differ."""

import re

from workers.contracts.specs import ChatFacts

CHAT_TOKENS = 4096
"""Tokens of a long chat; models with a shorter context keep less."""

SCALE_BITS = {4: 0.5, 8: 0.0, 16: 0.0}
"""Additional bits per weight: a scale and a zero point for each group of 64 weights."""

BITS = (16, 8, 4)
"""Bits per weight that versions of language models have."""

CACHE_BYTES = 2
"""Bytes of a cached key or value, which has 16 bits."""


def memory_bytes(parameters: int, bits: int, chat: ChatFacts) -> int:
    """Return the bytes of `parameters` weights with `bits` bits each, and of a chat of `CHAT_TOKENS`."""
    weights = parameters * (bits + SCALE_BITS.get(bits, 0.0)) / 8
    cache = min(chat.context, CHAT_TOKENS) * chat.cache_numbers_per_token * CACHE_BYTES
    return round(weights + cache)


def bits_that_fit(parameters: int, chat: ChatFacts, free_bytes: int) -> int | None:
    """Return the most bits per weight with which model and chat fit into `free_bytes`, None if none do."""
    return next((bits for bits in BITS if memory_bytes(parameters, bits, chat) <= free_bytes), None)


WORD = re.compile(r"\S+|\s+")


def first_difference(one: str, other: str) -> int | None:
    """Return the number of characters before the first different word, None if both texts are equal."""
    if one == other:
        return None
    at = 0
    for mine, theirs in zip(WORD.findall(one), WORD.findall(other), strict=False):
        if mine != theirs:
            break
        at += len(mine)
    return at
