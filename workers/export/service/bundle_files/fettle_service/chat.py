"""Serve chats in a common form: POST /v1/chat/completions, whole or as a stream of pieces.

Source: platform.openai.com/docs/api-reference/chat. Supported are those of its fields that a model on a processor can
honor. Unknown fields are ignored, as clients expect; tools, pictures and several answers are refused.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .documents import RequestError, read_document
from .limits import Limits
from .releases import Release

ROLES = ("system", "user", "assistant")
USUAL_TOKENS, MOST_MESSAGES = 512, 500
MAX_STOPS, MAX_STOP_CHARS = 4, 1000
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class ChatRequest:
    """One chat request."""

    messages: tuple[Mapping[str, str], ...]
    max_new_tokens: int
    temperature: float
    seed: int
    stream: bool
    stops: tuple[str, ...] = ()


def wanted(body: bytes) -> ChatRequest:
    """Return the request in `body`; raise RequestError if it is invalid."""
    asked = read_document(body)
    if not isinstance(asked, dict):
        raise RequestError("the body is no JSON object")
    for name in ("tools", "functions"):
        if asked.get(name):
            raise RequestError(f"{name} are not known here")
    if asked.get("n", 1) not in (1, None):
        raise RequestError("one answer at a time: leave n out")
    return ChatRequest(
        messages=_messages(asked.get("messages")),
        max_new_tokens=int(_number(asked, ("max_completion_tokens", "max_tokens"), USUAL_TOKENS, 1, 100_000)),
        temperature=_number(asked, ("temperature",), 1.0, 0.0, 5.0),
        seed=int(_number(asked, ("seed",), 0, 0, 2**53)),
        stream=asked.get("stream") is True,
        stops=_stops(asked.get("stop")),
    )


def _stops(given: Any) -> tuple[str, ...]:
    """Return the texts at which an answer ends; a single one may come without a list."""
    stops = [given] if isinstance(given, str) else given or []
    is_right = isinstance(stops, list) and len(stops) <= MAX_STOPS
    if not is_right or not all(isinstance(one, str) and 0 < len(one) <= MAX_STOP_CHARS for one in stops):
        raise RequestError(
            f"stop is a text, or a list of up to {MAX_STOPS}, of 1 to {MAX_STOP_CHARS:,} characters each"
        )
    return tuple(stops)


def _messages(given: Any) -> tuple[Mapping[str, str], ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_MESSAGES:
        raise RequestError(f"messages are a list of 1 to {MOST_MESSAGES}")
    found = []
    for one in given:
        role = one.get("role") if isinstance(one, dict) else None
        content = _content(one.get("content")) if isinstance(one, dict) else None
        if role not in ROLES or content is None:
            raise RequestError("each message has a role (system, user or assistant) and a text as its content")
        found.append({"role": role, "content": content})
    return tuple(found)


def _content(given: Any) -> str | None:
    """Return a message's text, also from a list of parts; None if a part is not text."""
    if isinstance(given, str):
        return given
    parts = given if isinstance(given, list) else [None]
    texts = [one.get("text") if isinstance(one, dict) and one.get("type") == "text" else None for one in parts]
    return "".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else None


def _number(asked: Mapping[str, Any], names: tuple[str, ...], usual: float, least: float, most: float) -> float:
    value = next((asked[name] for name in names if asked.get(name) is not None), usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise RequestError(f"{names[0]} is a number from {least:g} to {most:g}")
    return value


class Stopping:
    """Filter that ends an answer at the first of `stops` and holds back text that may be the beginning of one."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        """Create a filter for one answer."""
        self._stops, self._held, self.is_ended = stops, "", False

    def add(self, text: str) -> str:
        """Return the text that certainly belongs to the answer after `text`; nothing once it has ended."""
        if self.is_ended:
            return ""
        self._held += text
        found = [at for at in (self._held.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.is_ended = True
            return self._held[: min(found)]
        sizes = range(min(len(self._held), MAX_STOP_CHARS - 1), 0, -1)
        kept = next((size for size in sizes if self._may_begin(self._held[-size:])), 0)
        sent, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return sent

    def rest(self) -> str:
        """Return the text that was held back, at the end of the answer."""
        return "" if self.is_ended else self._held

    def _may_begin(self, text: str) -> bool:
        return any(stop.startswith(text) for stop in self._stops)


class Talk:
    """One answer, generated by the model's own thread; pieces are (text, tokens so far, reason of the end or "")."""

    @classmethod
    async def begin(cls, release: Release, asked: ChatRequest, limits: Limits) -> Talk:
        """Return the coming answer; its prompt is tokenized in a thread, since a long one takes seconds."""
        tokens = await asyncio.to_thread(release.pipeline.chat.prompt, asked.messages)
        return cls(release, asked, len(tokens), limits)

    def __init__(self, release: Release, asked: ChatRequest, prompt_tokens: int, limits: Limits) -> None:
        """Queue the answer for the model's thread."""
        self._release, self._asked, self._limits = release, asked, limits
        self._pieces: asyncio.Queue[tuple[str, int, str] | BaseException] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self.prompt_tokens = prompt_tokens
        if self.prompt_tokens >= (limit := release.pipeline.spec.chat.context):
            raise RequestError(f"this is {self.prompt_tokens:,} tokens long, and the model reads {limit:,} at once")
        self._most = min(asked.max_new_tokens, limit - self.prompt_tokens)
        self._ends_s = time.monotonic() + limits.chat_s
        self._answer = release.engine.do(self._work)

    def stop(self) -> None:
        """End the answer of a client that disconnected; an answer that has not begun never begins."""
        self._stopped.set()
        self._answer.cancel()

    async def pieces(self) -> AsyncIterator[tuple[str, int, str]]:
        """Yield pieces as they come; raise the model's errors, and TimeoutError if no piece comes in time."""
        while True:
            piece = await asyncio.wait_for(self._pieces.get(), self._limits.answer_s)
            if isinstance(piece, BaseException):
                raise piece
            yield piece
            if piece[2]:
                return

    def _put(self, piece: tuple[str, int, str] | BaseException) -> None:
        with suppress(RuntimeError):  # the server has stopped, and its loop is closed
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    def _work(self) -> None:
        if self._stopped.is_set():
            return
        asked, stopping = self._asked, Stopping(self._asked.stops)
        try:
            answering = self._release.answering(asked.max_new_tokens, asked.temperature, asked.seed)
            is_late = False
            for text in answering.pieces(asked.messages):
                if self._stopped.is_set():
                    return
                self._put((stopping.add(text), answering.made, ""))
                is_late = time.monotonic() > self._ends_s
                if stopping.is_ended or is_late:
                    break
            is_cut = not stopping.is_ended and (is_late or answering.made >= self._most)
            self._put((stopping.rest(), answering.made, "length" if is_cut else "stop"))
        except Exception as error:  # any error of the model belongs to this request
            self._put(error)


async def whole(talk: Talk, model: str) -> dict[str, Any]:
    """Return the answer as one document."""
    text, made, reason = "", 0, ""
    async for piece, made, reason in talk.pieces():  # noqa: B007 - the last values are used
        text += piece
    message = {"role": "assistant", "content": text}
    usage = {
        "prompt_tokens": talk.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": talk.prompt_tokens + made,
    }
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    return {**_head("chat.completion", model), "choices": [choice], "usage": usage}


async def streamed(talk: Talk, model: str) -> AsyncIterator[bytes]:
    """Yield server-sent events: the role, each piece, the reason of the end, and [DONE]."""
    head = _head("chat.completion.chunk", model)

    def event(delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n".encode()

    try:
        yield event({"role": "assistant", "content": ""})
        async for text, _made, reason in talk.pieces():
            if text:
                yield event({"content": text})
            if reason:
                yield event({}, reason)
        yield DONE
    except Exception as error:  # the status is already sent, so the stream reports the error
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        yield f"data: {json.dumps({'error': {'message': reason}}, ensure_ascii=False)}\n\n".encode()
    finally:
        talk.stop()


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def models(name: str) -> dict[str, Any]:
    """Return the response to GET /v1/models: the only model."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "fettle"}]}
