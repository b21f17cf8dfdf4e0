"""What requests may take of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one service.

    Of a body: bytes, seconds until all of it has come, and seconds between two of its parts. Of the model: seconds
    until an answer, seconds of one answer of a chat, and requests that wait at once. Bytes of answers that are kept.
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
        """Return how many bytes the bodies of all requests may have together until they are answered."""
        return 4 * self.body_bytes
