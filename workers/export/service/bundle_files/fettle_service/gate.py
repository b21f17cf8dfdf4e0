"""Decide which requests are accepted: by host, by the page that sends them, and by the API key.

A page of another site, opened in a browser on this computer, can send requests here; by DNS rebinding even under its
own name. The requested host name and the sending page are therefore checked first.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN = ("/", "/v2/health/live", "/v2/health/ready")
"""Paths that need no key, because they reveal nothing about the model."""
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
Key = Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))]


async def given_key(bearer: Bearer, key: Key) -> str:
    """Return the key that a client sends, by RFC 6750 or as X-API-Key; FastAPI runs plain functions in threads."""
    return bearer.credentials.strip() if bearer is not None else key or ""


Given = Annotated[str, Depends(given_key)]


@dataclass(frozen=True)
class Allowed:
    """Accepted host names, accepted origins besides its own pages, and the API key.

    Without a key ("") loading another bundle needs the `secret` of this run, which is "" if nothing can be loaded.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    key: str = ""
    secret: str = ""

    def refusal(self, headers: Headers) -> tuple[int, str] | None:
        """Return the HTTP status and the reason of a request with a strange host or origin, else None."""
        host, origin = headers.get("host", ""), headers.get("origin", "")
        if _name_of(f"//{host}") not in self.hosts:
            return 421, f"this service does not answer as {host[:80]!r}; start it with --allow-host to let it"
        if origin and origin not in self.origins and origin not in (f"http://{host}", f"https://{host}"):
            return 403, f"pages of {origin[:80]!r} may not ask; start the service with --allow-origin to let them"
        return None

    async def check_key(self, connection: HTTPConnection, given: Given) -> None:
        """Raise HTTPException if a path needs the key and the client does not send it."""
        if self.key and connection.url.path not in OPEN and not _is_same(given, self.key):
            headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
            raise HTTPException(401, "the API key is missing or wrong", headers)

    def may_load(self, given: str) -> bool:
        """Return whether a client with this key may load another bundle.

        The address does not count: behind a reverse proxy every client has that of this computer.
        """
        needed = self.key or self.secret
        return bool(needed) and _is_same(given, needed)


def _is_same(given: str, needed: str) -> bool:
    return hmac.compare_digest(given.encode(), needed.encode())


def _name_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Gate:
    """Middleware that refuses requests under strange names and of strange pages before the application sees them."""

    def __init__(self, app: ASGIApp, allowed: Allowed) -> None:
        """Wrap an application."""
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an accepted request to the application, or refuse it."""
        refused = self._allowed.refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        app = self._app if refused is None else JSONResponse({"error": refused[1]}, refused[0], {"Connection": "close"})
        await app(scope, receive, send)
