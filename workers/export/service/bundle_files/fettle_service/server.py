"""The server's command line, and how it starts, stops and lets go of who says nothing."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import create_app
from .gate import LOOPBACK, Allowed
from .releases import Refused
from .service import Limits, Service

HERE = Path(__file__).resolve().parents[1]

MAX_CONNECTIONS = 1000
OTHER_FILES = 100
"""Left of the files that this process may have open: models, logs, uploads."""
FIRST_REQUEST_S = 20.0
"""Who connects and says nothing for so long is let go."""
KEEP_ALIVE_S = 65
"""Longer than proxies keep theirs (60 s: nginx, ngx_http_upstream_module, `keepalive_timeout`): who closes first is who
asks. At uvicorn's 5 s a request that crosses the closing was lost."""
DRAIN_S = 60
MIN_KEY_CHARS = 16


TOO_MANY = b'{"error": "too many connections at once"}'
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s"
) % (len(TOO_MANY), TOO_MANY)


def most_connections() -> int:
    """As many as are taken at once: one more would need a file that this process may not open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, files - OTHER_FILES))


class Patient(H11Protocol):
    """A connection that ends by itself where no request comes, or at once where there are too many.

    uvicorn's own limit looks at requests alone and refuses in plain text: who connects and says nothing would fill
    the table of open files.
    """

    most = MAX_CONNECTIONS

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(REFUSAL)
            transport.close()
            return
        self.loop.call_later(FIRST_REQUEST_S, self._let_go)

    def _let_go(self) -> None:
        if getattr(self, "cycle", None) is None and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Says in one line when it is ready. `handed` is a connection that another program hands over, as inetd does."""

    def __init__(self, config: uvicorn.Config, service: Service, handed: socket.socket | None) -> None:
        super().__init__(config)
        self._service, self._handed = service, handed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        where = ""
        if self._handed is not None:
            make: Any = self.config.http_protocol_class
            loop = asyncio.get_running_loop()
            state = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
            await loop.connect_accepted_socket(lambda: make(**state), self._handed)
        elif self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            where = f" on http://{f'[{host}]' if ':' in host else host}:{port}"
        release = self._service.current
        batches = f"up to {release.max_batch} at once" if release.max_batch > 1 else f"one by one: {release.why_single}"
        sys.stdout.write(
            f"ready: {self._service.name}{where} ({release.golden_alike} golden answers alike; {batches})\n"
        )
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.is_ready = False
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """Raises OSError, or OverflowError for a port that is none.

    Connections inherit TCP_NODELAY. asyncio sets it for sockets that it made itself alone, and without it an answer
    waits 40 ms for the acknowledgment of its head (RFC 896 beside RFC 1122, 4.2.3.2).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def main() -> int:
    """Exit code 0 after it was stopped, 2 for wrong usage, 3 where the bundle or a change of it is refused."""
    options = _options()
    if options.switch is not None:
        return switch(options)
    key = "" if options.api_key_file is None else options.api_key_file.read_text(encoding="utf-8").strip()
    if options.api_key_file is not None and (len(key) < MIN_KEY_CHARS or not key.isascii()):
        sys.stderr.write(f"{options.api_key_file} holds no key of {MIN_KEY_CHARS} plain letters and digits at least.\n")
        return 2
    sockets = []
    if options.fd is None:
        try:
            sockets = [listening(options.host, options.port)]
        except (OSError, OverflowError) as error:
            sys.stderr.write(f"port {options.port} of {options.host} cannot be had: {error}. Choose one by --port.\n")
            return 3
    try:
        limits = Limits(options.max_body_mb << 20, cache_bytes=options.cache_mb << 20)
        service = Service(HERE, options.threads, limits, options.log)
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 3
    for note in service.current.notes:
        sys.stderr.write(f"note: {note}\n")
    hosts = {*LOOPBACK, *(name.lower() for name in options.allow_host)}
    Patient.most = most_connections()
    app = create_app(service, Allowed(frozenset(hosts), frozenset(options.allow_origin), key))
    config = uvicorn.Config(
        app, http=Patient, ws="none", log_level="warning", access_log=False,
        proxy_headers=False, server_header=False, timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )  # fmt: skip
    for one in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again after it has drained
        signal.signal(one, lambda *_: sys.exit(0))
    handed = None if options.fd is None else socket.socket(fileno=options.fd)
    try:
        Server(config, service, handed).run(sockets=sockets)
    finally:
        service.close_log()
    return 0


def switch(options: argparse.Namespace) -> int:
    """Ask the running service to take the bundle in a folder."""
    headers = {"Content-Type": "application/json"}
    if options.api_key_file is not None:
        headers["Authorization"] = f"Bearer {options.api_key_file.read_text(encoding='utf-8').strip()}"
    name = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))["serving"]["name"]
    body = json.dumps({"parameters": {"path": str(options.switch.resolve())}})
    connection = http.client.HTTPConnection(options.host, options.port, timeout=600)
    try:
        connection.request("POST", f"/v2/repository/models/{name}/load", body, headers)
        response = connection.getresponse()
        told = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stderr.write(f"no service answers at {options.host}:{options.port} ({error})\n")
        return 3
    if response.status != 200:
        sys.stderr.write(f"not taken, the bundle before goes on: {told.get('error')}\n")
        return 3
    sys.stdout.write(f"now answers: {options.switch} (version {told['version']}); start it from there next time\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Answer requests over HTTP with this model.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all of this computer's")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    parser.add_argument("--api-key-file", type=Path, help="a file with the key that clients must send")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="answer under this name, too")
    parser.add_argument("--allow-origin", action="append", default=[], metavar="https://…", help="pages that may ask")
    parser.add_argument("--threads", type=int, help="cores that the model may use")
    parser.add_argument("--cache-mb", type=int, default=64, help="memory for answers that come again, 0 for none")
    parser.add_argument("--max-body-mb", type=int, default=32, help="the largest request")
    parser.add_argument("--log", type=Path, metavar="DIR", help="note figures for monitor.py there, never an input")
    parser.add_argument("--switch", type=Path, metavar="FOLDER", help="give the running service the bundle in FOLDER")
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)  # a connection that is handed over (inetd)
    return parser.parse_args()
