"""Answer one device on the handed-over socket: the key opens a session, which gets the page and sends one result.

Everything that a device sends is bounded before it is read and validated as a record. None of it is executed, written
into a page, or logged.
"""

import argparse
import asyncio
import hmac
import secrets
import socket
import statistics
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np
import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from workers.contracts.after.phone import (
    MOST_CASES,
    BrowserFigures,
    KeyPost,
    PhoneOrder,
    PhoneState,
    ProgressPost,
    ResultPost,
)
from workers.export.golden_json import as_json, from_json
from workers.export.service.bundle_files.fettle_service.bodies import Bodies
from workers.export.service.bundle_files.fettle_service.connections import AT_ONCE, connection_class
from workers.export.service.bundle_files.fettle_service.documents import RequestError
from workers.export.service.bundle_files.fettle_service.gate import Allowed, Gate
from workers.export.web.phone.browsers import browser_name
from workers.export.web.trying import page_differences
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

CASES_BYTES, SMALL_BYTES = 8 << 20, 4 << 10
MOST_CONNECTIONS, MAX_HEAD_BYTES = 32, 16 << 10
BODY_S, PAUSE_S, KEEP_ALIVE_S = 60.0, 5.0, 65
COOKIE = "fettle"
POLICY = ("default-src 'none';", "default-src 'none'; connect-src 'self';")
"""The page's own policy allows no requests; here it sends its result to where it came from."""
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
T = TypeVar("T", bound=BaseModel)


class Phone:
    """Session, page and result of one device; owned by the server."""

    def __init__(self, order: PhoneOrder) -> None:
        """Read the bundle of an order."""
        self._order, self._token = order, ""
        self._bundle = Path(order.bundle)
        self._pipeline = load_pipeline(self._bundle)
        self._cases, answer_bytes = self._read_cases()
        self._result_bytes = 2 * answer_bytes + (256 << 10)  # base64 is a third longer, and numbers may be wider
        scripts = {f"web/{path.name}": path for path in (self._bundle / "web").glob("*.js") if path.is_file()}
        self._files = {**scripts, "card.html": self._bundle / "card.html"}
        self._bodies = {most: Bodies(most, 4 * most, BODY_S, PAUSE_S) for most in (SMALL_BYTES, self._result_bytes)}
        self.state = PhoneState(state="open")

    def _read_cases(self) -> tuple[list[dict[str, object]], int]:
        """Return the first golden inputs as JSON, and the bytes of their golden predictions."""
        golden, n_bytes, answer_bytes = self._bundle / "golden", 0, 0
        cases: list[dict[str, object]] = []
        inputs, answers = Prepared(golden / "inputs"), Prepared(golden / "answers")
        for at in range(min(MOST_CASES, len(inputs))):
            feeds = {name: np.array(value) for name, value in inputs[at].items()}
            one_bytes = answers[at]["answer"].nbytes
            n_bytes += sum(value.nbytes for value in feeds.values()) + one_bytes
            if cases and n_bytes > CASES_BYTES:
                break
            answer_bytes += one_bytes
            cases.append({name: as_json(value) for name, value in feeds.items()})
        return cases, answer_bytes

    def show(self, **changes: object) -> None:
        """Change the state and replace its file, which the program reads."""
        self.state = PhoneState.model_validate({**self.state.model_dump(), **changes})
        part = Path(f"{self._order.state}.part")
        part.write_text(self.state.model_dump_json(), encoding="utf-8")
        part.replace(self._order.state)

    def _sign(self, **changes: object) -> None:
        """Record that the device is still there, until it has sent its result."""
        if self.state.figures is None:
            self.show(signs=self.state.signs + 1, **changes)

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/", self.start), Route("/key", self.take_key, methods=["POST"]),
            Route("/page/", self.page), Route("/page/{name:path}", self.file), Route("/cases", self.cases),
            Route("/progress", self.take_progress, methods=["POST"]),
            Route("/result", self.take_result, methods=["POST"]),
        ]  # fmt: skip
        gate = Middleware(Gate, allowed=Allowed(frozenset({self._order.host}), frozenset()))
        handlers = {HTTPException: _refused, RequestError: _refused}
        return Starlette(routes=routes, middleware=[gate], exception_handlers=handlers)

    async def start(self, request: Request) -> Response:
        """Return the page that sends the key from the address; a device without the session finds it used."""
        if self._has_session(request):
            return RedirectResponse("/page/", 303, HEADERS)
        text = _own("start.html")
        return HTMLResponse(text, 403 if self._token else 200, HEADERS)

    async def take_key(self, request: Request) -> Response:
        """Open the session of the first device that sends the key."""
        sent = await self._posted(request, KeyPost, SMALL_BYTES)
        if not hmac.compare_digest(sent.key.encode(), self._order.key.encode()):
            raise HTTPException(403, "wrong")
        if self._token:
            raise HTTPException(403, "used")
        self._token = secrets.token_urlsafe(24)
        self.show(state="used", browser=browser_name(request.headers.get("user-agent", "")), signs=1)
        response = Response(status_code=204, headers=HEADERS)
        response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return response

    async def page(self, request: Request) -> Response:
        """Return the bundle's page with the script that measures."""
        self._check(request)
        text = (self._bundle / "index.html").read_text(encoding="utf-8")
        script = '<script src="measure.js"></script>\n'  # before page.js, which is deferred
        return HTMLResponse(text.replace(*POLICY, 1) + script, headers=HEADERS)

    async def file(self, request: Request) -> Response:
        """Return a script or the model card of the bundle, or the script that measures."""
        self._check(request)
        name = request.path_params["name"]
        if name == "measure.js":
            return Response(_own(name), media_type="text/javascript", headers=HEADERS)
        if name not in self._files:
            raise HTTPException(404, "unknown")
        self._sign()
        kind = "text/html" if name.endswith(".html") else "text/javascript"
        return FileResponse(self._files[name], media_type=kind, headers=HEADERS)

    async def cases(self, request: Request) -> Response:
        """Return the golden inputs that are timed and answered."""
        self._check(request)
        return JSONResponse(self._cases, headers=HEADERS)

    async def take_progress(self, request: Request) -> Response:
        """Record a sign of the device."""
        self._check(request)
        sent = await self._posted(request, ProgressPost, SMALL_BYTES)
        self._sign(state="failed" if sent.failed else "used", done=sent.done, total=sent.total)
        return Response(status_code=204, headers=HEADERS)

    async def take_result(self, request: Request) -> Response:
        """Check the result of the device, once."""
        self._check(request)
        sent = await self._posted(request, ResultPost, self._result_bytes)
        if self.state.figures is not None:
            raise HTTPException(409, "measured")
        figures = await run_in_threadpool(self._figures, sent)
        if self.state.figures is None:
            self.show(state="measured", figures=figures)
        return JSONResponse({"n_alike": figures.n_alike, "n_predictions": figures.n_predictions}, headers=HEADERS)

    def _figures(self, sent: ResultPost) -> BrowserFigures:
        if len(sent.predictions) != len(self._cases):
            raise HTTPException(422, "invalid")
        try:
            given = [from_json(one.model_dump()) for one in sent.predictions]
            differences = page_differences(self._bundle / "golden", self._pipeline, given)
        except (ValueError, IndexError, TypeError) as error:  # a shape that no prediction of this model has
            raise HTTPException(422, "invalid") from error
        times = sorted(sent.times_ms)
        return BrowserFigures(
            browser=self.state.browser, median_ms=statistics.median(times),
            p90_ms=times[min(len(times) - 1, int(0.9 * len(times)))], n_times=len(times),
            calls_each=sent.calls_each, n_predictions=len(given), n_alike=differences.count(""),
        )  # fmt: skip

    async def _posted(self, request: Request, kind: type[T], most_bytes: int) -> T:
        async with self._bodies[most_bytes].read(request) as body:
            try:
                return await run_in_threadpool(kind.model_validate_json, body)
            except ValidationError as error:
                raise HTTPException(422, "invalid") from error

    def _has_session(self, request: Request) -> bool:
        given = request.cookies.get(COOKIE, "")
        return bool(self._token) and hmac.compare_digest(given.encode(), self._token.encode())

    def _check(self, request: Request) -> None:
        if not self._has_session(request):
            raise HTTPException(403, "used" if self._token else "wrong")


async def _refused(request: Request, error: Exception) -> Response:
    """Return a page for a person who opens an address, and a word for the scripts."""
    status, word = 400, "invalid"
    if isinstance(error, HTTPException):
        status, word = error.status_code, error.detail
    elif isinstance(error, RequestError):
        status = error.status
    headers = {**HEADERS, "Connection": "close"}
    if request.method == "GET" and request.url.path.startswith("/page"):
        return HTMLResponse(_own("start.html"), status, headers)
    return JSONResponse({"error": word}, status, headers)


def _own(name: str) -> str:
    return files("workers.export.web.phone").joinpath(name).read_text(encoding="utf-8")


def main() -> None:
    """Serve the page of an order until its time is over or the program closes it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--order", type=Path)
    parser.add_argument("--fd", type=int)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    order = PhoneOrder.model_validate_json(options.order.read_bytes())
    phone = Phone(order)
    listener = socket.socket(fileno=options.fd) if options.fd is not None else None
    sockets = [listener or socket.create_server((options.host, options.port))]
    config = uvicorn.Config(
        phone.app(), http=connection_class(MOST_CONNECTIONS), ws="none", lifespan="off", log_level="error",
        access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1, h11_max_incomplete_event_size=MAX_HEAD_BYTES, backlog=AT_ONCE,
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def serve() -> None:
        def end() -> None:
            phone.show(state="over")
            server.should_exit = True

        asyncio.get_running_loop().call_later(order.seconds, end)
        phone.show()
        await server.serve(sockets)

    asyncio.run(serve())


if __name__ == "__main__":
    main()
