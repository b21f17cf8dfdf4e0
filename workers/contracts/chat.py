"""Facts of language models."""

from workers.contracts.base import Frozen


class ChatFacts(Frozen):
    """Of a language model: how many tokens it reads at once, and how many numbers it keeps for each (its cache)."""

    context: int
    cache_numbers_per_token: int
