"""Limits of the resources that requests may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one service.

    Attributes:
        body_bytes: Size of one body.
        body_s: Seconds until a body is complete.
        body_pause_s: Seconds between two parts of a body.
        answer_s: Seconds until the model's prediction.
        chat_s: Seconds of one answer of a chat.
        waiting: Number of requests that wait at once.
        cache_bytes: Size of the cache of predictions.
    """

    body_bytes: int = 32 << 20
    body_s: float = 20.0
    body_pause_s: float = 2.5
    answer_s: float = 60.0
    chat_s: float = 300.0
    waiting: int = 512
    cache_bytes: int = 64 << 20

    @property
    def bodies_bytes(self) -> int:
        """Return the maximum size of all bodies together until they are answered."""
        return 4 * self.body_bytes
