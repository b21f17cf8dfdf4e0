"""How much memory a language model takes: its weights, and what it keeps of a chat."""

from workers.contracts.specs import ChatFacts

CHAT_TOKENS = 4096
"""A long chat; models that read less at once keep less."""

SCALE_BITS = {4: 0.5, 8: 0.0, 16: 0.0}
"""Besides, a scale and a zero point for each group of 64 weights."""

BITS = (16, 8, 4)
"""Of a weight, what versions of language models have."""

CACHE_BYTES = 2
"""Keys and values are kept in 16 bits."""


def memory_bytes(parameters: int, bits: int, chat: ChatFacts) -> int:
    """Bytes of `parameters` weights with so many bits each, and of a chat of `CHAT_TOKENS`."""
    weights = parameters * (bits + SCALE_BITS.get(bits, 0.0)) / 8
    cache = min(chat.context, CHAT_TOKENS) * chat.cache_numbers_per_token * CACHE_BYTES
    return round(weights + cache)


def bits_that_fit(parameters: int, chat: ChatFacts, free_bytes: int) -> int | None:
    """A first guess: the most bits a weight with which model and chat fit into what is free; None: none do."""
    return next((bits for bits in BITS if memory_bytes(parameters, bits, chat) <= free_bytes), None)
