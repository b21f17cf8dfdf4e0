"""Contracts of the job kind ``chat``: one language model that stays loaded and streams its answers."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen

MAX_MESSAGES, MAX_MESSAGE_CHARS = 200, 100_000


class ChatMessage(Frozen):
    """One message of a dialogue."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=MAX_MESSAGE_CHARS)


class ChatRequest(Frozen):
    """Dialogue to continue with one answer.

    Attributes:
        messages: The dialogue. Without messages the current answer is stopped and no new one starts.
        temperature: 0 takes the likeliest token each time; above 0 the same `seed` gives the same answer.
    """

    messages: tuple[ChatMessage, ...] = Field(default=(), max_length=MAX_MESSAGES)
    max_new_tokens: int = Field(default=256, ge=1, le=100_000)
    temperature: float = Field(default=0.0, ge=0, le=5)
    seed: int = Field(default=0, ge=0)


class ChatPiece(Frozen):
    """Piece of an answer; several are sent for each `Request`.

    Attributes:
        tokens: Number of tokens generated so far.
        first_ms: Milliseconds from the request to the first token.
        tokens_per_s: Rate of the tokens after the first one.
        done: This is the last piece.
        stopped: The answer ended early because another request arrived.
    """

    text: str = ""
    tokens: int = 0
    first_ms: float | None = None
    tokens_per_s: float | None = None
    done: bool = False
    stopped: bool = False
