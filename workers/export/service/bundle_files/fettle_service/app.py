"""Define the server's paths: the Open Inference Protocol, readable predictions, metrics, and a page for trials."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from . import chat
from .described import SCHEMAS, described
from .documents import RequestError, in_thread_if_large
from .engine import Overloaded
from .forms import ChatBody, LoadBody, read_body
from .gate import Allowed, Gate, Given
from .places import FolderRefused
from .protocol import HEADER_LENGTH, parse, reply
from .releases import Release
from .service import Service

log = logging.getLogger("fettle")
PAGE = Path(__file__).with_name("page.html")
EXTENSIONS = ["binary_tensor_data", "model_repository(load)"]
GONE, NOT_FOUND, OVERLOADED, TOO_LATE, FAILED = 499, 404, 503, 504, 500
LOGGED = ("infer", "answer")
UNREAD = (408, 413, 415, 503)
NO_LOADING = (
    "loading another bundle needs the API key or, without one, the secret that this service wrote at its start;"
    " 'python serve.py --switch FOLDER' sends it"
)
T = TypeVar("T")


class Application(FastAPI):
    """The application; its OpenAPI document includes the bodies that its handlers read themselves."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        document["components"]["schemas"].update(SCHEMAS)
        return document


def create_app(service: Service, allowed: Allowed) -> FastAPI:
    """Create the application with all paths behind the gate and the API key."""
    key = Depends(allowed.check_key)
    app = Application(title=service.name, openapi_url=None, docs_url=None, redoc_url=None, dependencies=[key])
    app.add_middleware(
        CORSMiddleware, allow_origins=sorted(allowed.origins), allow_methods=["GET", "POST"], allow_headers=["*"],
        expose_headers=[HEADER_LENGTH],
    )  # fmt: skip
    app.add_middleware(Gate, allowed=allowed)
    app.add_exception_handler(HTTPException, _http_error)
    paths, model = Paths(service, allowed), "/v2/models/{name}"
    versioned = f"{model}/versions/{{version}}"
    chats = (("GET", ("/v1/models",), paths.models), ("POST", ("/v1/chat/completions",), paths.chat))
    for method, addresses, endpoint in (
        *(chats if service.current.chats else ()),
        ("GET", ("/",), paths.page),
        ("GET", ("/page.json",), paths.facts),
        ("GET", ("/metrics",), paths.metrics),
        ("GET", ("/v2",), paths.server),
        ("GET", ("/v2/health/live",), paths.live),
        ("GET", ("/v2/health/ready",), paths.ready),
        ("GET", (f"{model}/ready", f"{versioned}/ready"), paths.model_ready),
        ("GET", (model, versioned), paths.metadata),
        ("POST", (f"{model}/infer", f"{versioned}/infer"), paths.infer),
        ("POST", (f"{model}/answer",), paths.answer),
        ("POST", ("/v2/repository/index",), paths.index),
        ("POST", ("/v2/repository/models/{name}/load",), paths.load),
    ):
        for address in addresses:
            app.add_api_route(address, endpoint, methods=[method], response_model=None, **described(endpoint.__name__))
    app.add_api_route("/openapi.json", lambda: JSONResponse(app.openapi()), include_in_schema=False)
    return app


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code, dict(error.headers or {}))


class Paths:
    """Request handlers of one service, one method per path."""

    def __init__(self, service: Service, allowed: Allowed) -> None:
        """Create the handlers of a service; `allowed` decides which requests are accepted."""
        self._service, self._allowed = service, allowed

    async def server(self) -> Response:
        """Return the server metadata."""
        version = self._service.current.version
        return JSONResponse({"name": "fettle", "version": version, "extensions": EXTENSIONS})

    async def live(self) -> Response:
        """Return that the server runs."""
        return JSONResponse({"live": True})

    async def ready(self) -> Response:
        """Return whether the server accepts requests; status 503 while it stops."""
        is_ready = self._service.is_ready
        return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)

    async def model_ready(self, name: str, version: str | None = None) -> Response:
        """Return whether a model accepts requests; status 404 for an unknown model."""

        async def work() -> Response:
            self._check(name, version, self._service.current)
            return await self.ready()

        return await self._counted("ready", work)

    async def metadata(self, name: str, version: str | None = None) -> Response:
        """Return the model metadata."""

        async def work() -> Response:
            with self._service.release() as release:
                self._check(name, version, release)
                document = {
                    "name": name,
                    "versions": [release.version],
                    "platform": str(release.manifest["runtime"]["id"]),
                    "inputs": [one.metadata() for one in release.inputs],
                    "outputs": [one.metadata() for one in release.outputs],
                }
            return JSONResponse(document)

        return await self._counted("metadata", work)

    async def infer(self, request: Request, name: str, version: str | None = None) -> Response:
        """Return the model's outputs."""

        async def work() -> Response:
            async with self._service.bodies.read(request) as body:
                with self._service.release() as release:
                    self._check(name, version, release)
                    header = request.headers.get(HEADER_LENGTH)
                    parsed = await in_thread_if_large(len(body), parse, body, header, release.inputs)
                    outputs = await _unless_left(request, self._service.infer(release, parsed.feeds))
                    size = sum(np.asarray(values).nbytes for values in outputs.values())
                    content, header_length = await in_thread_if_large(
                        size, reply, name, release.version, parsed, outputs
                    )
            if header_length is None:
                return Response(content, media_type="application/json")
            headers = {HEADER_LENGTH: str(header_length)}
            return Response(content, headers=headers, media_type="application/octet-stream")

        return await self._counted("infer", work)

    async def answer(self, request: Request, name: str) -> Response:
        """Return the prediction for a picture, sound, text or file of arrays."""

        async def work() -> Response:
            async with self._service.bodies.read(request) as body:
                with self._service.release() as release:
                    self._check(name, None, release)
                    document = await _unless_left(request, self._service.answer(release, body))
            return Response(document, media_type="application/json")

        return await self._counted("answer", work)

    async def models(self) -> Response:
        """Return the models that can chat."""
        return JSONResponse(chat.models(self._service.name))

    async def chat(self, request: Request) -> Response:
        """Return the next answer of a dialogue, whole or as a stream."""

        async def work() -> Response:
            async with self._service.bodies.read(request) as body:
                parsed = await in_thread_if_large(len(body), read_body, ChatBody, body)
            with self._service.release() as release:
                try:
                    talk = await chat.Talk.begin(release, parsed, self._service.limits)
                except release.error_type as error:
                    raise RequestError(str(error)) from error
                if parsed.stream:
                    events = chat.streamed(talk, self._service.name)
                    return StreamingResponse(events, media_type="text/event-stream")
                try:
                    document = await _unless_left(request, chat.whole(talk, self._service.name))
                finally:
                    talk.stop()
            return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")

        return await self._counted("chat", work)

    async def index(self) -> Response:
        """Return the models of this server."""
        service = self._service
        return JSONResponse([{"name": service.name, "version": service.current.version, "state": "READY"}])

    async def load(self, request: Request, name: str, given: Given) -> Response:
        """Load another bundle and use it; status 409 if it is refused.

        If the client disconnects before the end, nothing changes.
        """

        async def work() -> Response:
            if not self._allowed.may_load(given):
                raise RequestError(NO_LOADING, 401)
            with self._service.release() as release:
                self._check(name, None, release)
            async with self._service.bodies.read(request) as body:
                folder = await in_thread_if_large(len(body), _path_in, body)
            given_up = threading.Event()
            try:
                loading = asyncio.to_thread(self._service.switch, folder, given_up)
                return JSONResponse({"version": await _unless_left(request, loading)})
            finally:
                given_up.set()

        return await self._counted("load", work)

    async def metrics(self) -> Response:
        """Return counters in Prometheus' text format."""
        return Response(generate_latest(self._service.registry), media_type=CONTENT_TYPE_LATEST)

    async def page(self) -> Response:
        """Return the page to try the model, which loads nothing from elsewhere."""
        nonce = secrets.token_urlsafe(16)
        own = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
        policy = f"default-src 'none'; connect-src 'self'; img-src blob:; {own}"
        facts = {"key": True} if self._allowed.key else self._facts()
        # "<" could end the script that contains these facts
        facts_json = json.dumps(facts).replace("<", "\\u003c")
        page = PAGE.read_text(encoding="utf-8").replace("NONCE", nonce).replace("FACTS", facts_json)
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
        return HTMLResponse(page, headers=headers)

    async def facts(self) -> Response:
        """Return the facts that the page shows, for pages of a service with a key."""
        return JSONResponse(self._facts())

    def _facts(self) -> dict[str, str]:
        manifest = self._service.current.manifest
        return {"name": self._service.name, "title": str(manifest["title"]), "kind": str(manifest["serving"]["kind"])}

    def _check(self, name: str, version: str | None, release: Release) -> None:
        known = self._service.name
        if name != known or version not in (None, release.version):
            raise RequestError(f"there is no model {name[:80]!r} of that version here; there is {known!r}", 404)

    async def _counted(self, path: str, work: Callable[[], Awaitable[Response]]) -> Response:
        """Return the result of `work`, or the protocol's error; the request is timed and counted."""
        began_s = time.perf_counter()
        try:
            response = await work()
        except Exception as error:  # runtimes raise any type; the service must continue
            response = self._error(path, error)
            if path in LOGGED and response.status_code not in (GONE, NOT_FOUND):
                self._service.failed()
        seconds = time.perf_counter() - began_s
        self._service.requests.labels(path, str(response.status_code)).inc()
        self._service.seconds.labels(path).observe(seconds)
        log.info("%s %d, %.1f ms", path, response.status_code, 1e3 * seconds)
        return response

    def _error(self, path: str, error: Exception) -> Response:
        if isinstance(error, RequestError):
            # a client whose body was not read completely would continue to send it
            headers = {"Connection": "close"} if error.status in UNREAD else None
            return JSONResponse({"error": str(error)}, error.status, headers)
        if isinstance(error, FolderRefused):
            return JSONResponse({"error": str(error)}, 409)
        if isinstance(error, Overloaded):
            return JSONResponse({"error": "too many requests wait already"}, OVERLOADED, {"Retry-After": "1"})
        if isinstance(error, TimeoutError):
            return JSONResponse({"error": f"no answer within {self._service.limits.answer_s:g} s"}, TOO_LATE)
        if isinstance(error, ClientDisconnect):
            return Response(status_code=GONE)
        log.error("%s failed", path, exc_info=error)
        return JSONResponse({"error": f"the model failed on this input: {_line(error)}"}, FAILED)


async def _unless_left(request: Request, work: Awaitable[T]) -> T:
    """Return the result of `work`, which is canceled when the client disconnects; raise ClientDisconnect then."""
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ClientDisconnect
    finally:
        doing.cancel()
        leaving.cancel()


def _path_in(body: bytes) -> Path:
    path = read_body(LoadBody, body).parameters.path
    if not Path(path).is_absolute() or "\0" in path:
        raise RequestError("the path of the bundle is not absolute")
    return Path(path)


async def _left(request: Request) -> None:
    """Return when the client has disconnected; call it after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
