"""Decide which requests are accepted: by host, by the page that sends them, and by the API key.

A page of another site, opened in a browser on this computer, can send requests here; by DNS rebinding even under its
own name. The requested host name and the sending page are therefore checked first.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN = ("/", "/v2/health/live", "/v2/health/ready")
"""Paths that need no key, because they reveal nothing about the model."""
Headers = Mapping[bytes, bytes]


@dataclass(frozen=True)
class Allowed:
    """Accepted host names, accepted origins besides its own pages, and the API key.

    Without a key ("") loading another bundle needs the `secret` of this run, which is "" if nothing can be loaded.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    key: str = ""
    secret: str = ""

    def refusal(self, headers: Headers, path: str) -> tuple[int, str] | None:
        """Return the HTTP status and the reason of a refused request, else None."""
        host = headers.get(b"host", b"").decode("latin-1")
        if _name_of(f"//{host}") not in self.hosts:
            return 421, f"this service does not answer as {host[:80]!r}; start it with --allow-host to let it"
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin not in self.origins and origin not in (f"http://{host}", f"https://{host}"):
            return 403, f"pages of {origin[:80]!r} may not ask; start the service with --allow-origin to let them"
        if self.key and path not in OPEN and not _is_given(headers, self.key):
            return 401, "the API key is missing or wrong"
        return None

    def may_load(self, headers: Headers) -> bool:
        """Return whether this client may load another bundle.

        The address does not count: behind a reverse proxy every client has that of this computer.
        """
        needed = self.key or self.secret
        return bool(needed) and _is_given(headers, needed)


def _is_given(headers: Headers, needed: str) -> bool:
    """Return whether a client sends the key, by RFC 6750 (schemes have no case: RFC 9110, 11.1) or as X-API-Key."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    given = token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
    return hmac.compare_digest(given, needed.encode())


def _name_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Gate:
    """Middleware that refuses requests before the application sees them."""

    def __init__(self, app: ASGIApp, allowed: Allowed) -> None:
        """Wrap an application."""
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass an accepted request to the application, or refuse it."""
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
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def left(request: Request) -> None:
    """Return when the client has disconnected; call it after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
