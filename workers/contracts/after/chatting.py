"""Parameters, requests and pieces of the job that stays open as a chat: one language model that answers as it goes."""

from typing import Literal

from pydantic import Field, JsonValue

from workers.contracts.base import Frozen

MAX_MESSAGES, MAX_MESSAGE_CHARS = 200, 100_000


class ChatMessage(Frozen):
    """What one side said."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=MAX_MESSAGE_CHARS)


class ChatParams(Frozen):
    """kind ``chat``: loads one model, sends Ready("loaded"), then answers each `Request` that has one."""

    model_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}


class ChatRequest(Frozen):
    """A dialogue whose next answer is wanted. `temperature` 0 takes the likeliest word each time; above 0 the same
    `seed` gives the same answer. Without messages the answer that is going on is ended, and nothing is begun."""

    messages: tuple[ChatMessage, ...] = Field(default=(), max_length=MAX_MESSAGES)
    max_new_tokens: int = Field(default=256, ge=1, le=100_000)
    temperature: float = Field(default=0.0, ge=0, le=5)
    seed: int = Field(default=0, ge=0)


class ChatPiece(Frozen):
    """A piece of the answer, several to each `Request`. The last one is `done`: `stopped` where another request came.

    `tokens` were made by now, the first one `first_ms` after the request; `tokens_per_s` counts those behind it.
    """

    text: str = ""
    tokens: int = 0
    first_ms: float | None = None
    tokens_per_s: float | None = None
    done: bool = False
    stopped: bool = False


class ChatResult(Frozen):
    """`asked` dialogues were answered or refused until it was told to end."""

    asked: int
    device_ran: str
    fallbacks: tuple[str, ...] = ()
