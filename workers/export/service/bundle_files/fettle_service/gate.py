"""Who may ask: hosts and origins that the service was told, and who knows the key; and no body without an end.

A page of a stranger's site, opened in a browser on this computer, can send requests here; by DNS rebinding even under a
name of its own. So the name that was asked for and the page that asks are looked at before anything else.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp

from .protocol import RequestError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN = ("/", "/page.js", "/v2/health/live", "/v2/health/ready")
"""Paths that need no key: they tell nothing of the model."""


@dataclass(frozen=True)
class Allowed:
    """Names under which the service may be asked, pages beside its own that may ask, and the key, "" for none."""

    hosts: frozenset[str]
    origins: frozenset[str]
    key: str = ""

    def refusal(self, headers: dict[bytes, bytes], path: str) -> tuple[int, str] | None:
        """HTTP's status and the reason, None for who may ask."""
        host = headers.get(b"host", b"").decode("latin-1")
        if _name_of(f"//{host}") not in self.hosts:
            return 421, f"this service does not answer as {host[:80]!r}; start it with --allow-host to let it"
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin not in self.origins and origin not in (f"http://{host}", f"https://{host}"):
            return 403, f"pages of {origin[:80]!r} may not ask; start the service with --allow-origin to let them"
        if self.key and path not in OPEN and not self._knows(headers):
            return 401, "the API key is missing or wrong"
        return None

    def _knows(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"authorization", b"").removeprefix(b"Bearer ") or headers.get(b"x-api-key", b"")
        return hmac.compare_digest(given, self.key.encode())


def _name_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Gate:
    """Refuses before the application sees anything."""

    def __init__(self, app: ASGIApp, allowed: Allowed) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            is_preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in headers
            refused = self._allowed.refusal(headers, "/" if is_preflight else scope["path"])
            if refused is not None:
                await _refuse(send, *refused)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        await self._app(scope, receive, send)


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read_body(request: Request, most_bytes: int, most_s: float) -> bytes:
    """The whole body. Raises RequestError for one that is too large, comes too slowly, or is packed."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RequestError("packed bodies are not taken; send it as it is", 415)
    too_large = RequestError(f"the body has more than {most_bytes:,} bytes", 413)
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most_bytes:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(most_s):
            async for part in request.stream():
                size += len(part)
                if size > most_bytes:
                    raise too_large
                parts.append(part)
    except TimeoutError as error:
        raise RequestError(f"the body did not come within {most_s:g} s", 408) from error
    return b"".join(parts)


async def left(request: Request) -> None:
    """Returns when who asked has gone; after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
