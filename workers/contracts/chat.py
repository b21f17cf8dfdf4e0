"""Facts about language models."""

from workers.contracts.base import Frozen


class ChatFacts(Frozen):
    """Context of a language model: maximum tokens it reads at once, and numbers its cache holds per token."""

    context: int
    cache_numbers_per_token: int
