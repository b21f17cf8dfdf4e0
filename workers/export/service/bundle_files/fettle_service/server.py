"""Command line of the server, and its start and stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from .app import create_app
from .connections import AT_ONCE, MAX_CONNECTIONS, connection_class, most_connections
from .gate import LOOPBACK, Allowed
from .limits import Limits
from .loading import NoService, request_load
from .places import FolderRefused
from .secret import read_secret, remove_secret, secret_file, write_secret
from .service import Service

HERE = Path(__file__).resolve().parents[1]

KEEP_ALIVE_S = 65
"""Seconds that an idle connection stays open, longer than proxies keep theirs, so that the client closes first.

nginx keeps them for 60 s (ngx_http_upstream_module, `keepalive_timeout`). With uvicorn's 5 s a request that crossed the
closing was lost.
"""
MAX_HEAD_BYTES = 16 << 10
DRAIN_S = 60
MIN_KEY_CHARS = 16


class Server(uvicorn.Server):
    """Server that prints one line when it is ready."""

    def __init__(self, config: uvicorn.Config, service: Service, handed: socket.socket | None) -> None:
        """Create a server; `handed` is a connection from another program, as with inetd."""
        super().__init__(config)
        self._service, self._handed = service, handed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, or take the handed-over connection, and print the ready line."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(MAX_CONNECTIONS)  # asyncio has set the length of the queue to `AT_ONCE`
        where = ""
        if self._handed is not None:
            make: Any = self.config.http_protocol_class
            loop = asyncio.get_running_loop()
            state = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}

            def patient() -> Any:
                connection = make(**state)
                connection.head_s = DRAIN_S  # the other program may prepare its first request meanwhile
                return connection

            await loop.connect_accepted_socket(patient, self._handed)
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
        """Refuse readiness checks, then stop."""
        self._service.is_ready = False
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise OSError, or OverflowError for an invalid port.

    Connections inherit TCP_NODELAY. asyncio sets it only for sockets that it created itself, and without it a response
    waits 40 ms for the acknowledgment of its head (RFC 896 with RFC 1122, 4.2.3.2).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def main() -> int:
    """Run the server; return exit code 0 after a stop, 2 for wrong usage, 3 if a bundle is refused."""
    options = _options()
    try:
        key = "" if options.api_key_file is None else _key_in(options.api_key_file)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.api_key_file} holds no key that can be used: {error}\n")
        return 2
    if options.switch is not None:
        return switch(options, key)
    handed = None if options.fd is None else socket.socket(fileno=options.fd)
    sockets = []
    if handed is not None and handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sockets, handed = [handed], None
    elif handed is None:
        try:
            sockets = [listening(options.host, options.port)]
        except (OSError, OverflowError) as error:
            sys.stderr.write(f"port {options.port} of {options.host} cannot be had: {error}. Choose one by --port.\n")
            return 3
    try:
        limits = Limits(options.max_body_mb << 20, cache_bytes=options.cache_mb << 20)
        service = Service(HERE, options.threads, limits, options.log)
    except FolderRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 3
    for note in service.current.notes:
        sys.stderr.write(f"note: {note}\n")
    with _secret_at(sockets, key) as secret:
        hosts = {*LOOPBACK, *(name.lower() for name in options.allow_host)}
        app = create_app(service, Allowed(frozenset(hosts), frozenset(options.allow_origin), key, secret))
        config = uvicorn.Config(
            app, http=connection_class(most_connections()), ws="none", log_level="error", access_log=False,
            proxy_headers=False, server_header=False, timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S, h11_max_incomplete_event_size=MAX_HEAD_BYTES, backlog=AT_ONCE,
        )  # fmt: skip
        for one in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again after it has drained
            signal.signal(one, lambda *_: sys.exit(0))
        try:
            Server(config, service, handed).run(sockets=sockets)
        finally:
            service.close()
    return 0


def _key_in(path: Path) -> str:
    """Return the key in a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: The key can be guessed, or no client can send it.
    """
    key = path.read_text(encoding="utf-8").strip()
    if len(key) < MIN_KEY_CHARS or not (key.isascii() and key.isprintable()):
        raise ValueError(f"a key has {MIN_KEY_CHARS} plain letters and digits at least.")
    return key


@contextmanager
def _secret_at(sockets: Sequence[socket.socket], key: str) -> Iterator[str]:
    """Write the secret of a service without a key, and remove it at the end; "" if there is none."""
    if key or not sockets:
        yield ""
        return
    port = sockets[0].getsockname()[1]
    try:
        secret = write_secret(port)
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"note: to load another bundle start with --api-key-file; no secret was written: {error}\n")
        yield ""
        return
    try:
        yield secret
    finally:
        remove_secret(port, secret)


def switch(options: argparse.Namespace, key: str) -> int:
    """Make the running service load the bundle in a folder; return the exit code."""
    name = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))["serving"]["name"]
    try:
        secret = key or read_secret(secret_file(options.port))
        version = request_load(options.host, options.port, name, options.switch.resolve(), secret)
    except NoService as error:
        sys.stderr.write(f"no service answers at {options.host}:{options.port} ({error})\n")
        return 3
    except RuntimeError as error:  # NotLoaded, or no home folder
        sys.stderr.write(f"not loaded, the earlier bundle stays in use: {error}\n")
        return 3
    sys.stdout.write(f"now answers: {options.switch} (version {version}); start it from there next time\n")
    return 0


def _text_file(name: str) -> Path:
    """Return the path of a readable text file; raise the error that argparse reports as wrong usage."""
    try:
        Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(f"{name} cannot be read ({error})") from error
    return Path(name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Answer requests over HTTP with this model.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all of this computer's")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    parser.add_argument("--api-key-file", type=_text_file, help="a file with the key that clients must send")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="answer under this name, too")
    parser.add_argument("--allow-origin", action="append", default=[], metavar="https://…", help="pages that may ask")
    parser.add_argument("--threads", type=int, help="cores that the model may use")
    parser.add_argument("--cache-mb", type=int, default=64, help="memory for the cache of answers, 0 for none")
    parser.add_argument("--max-body-mb", type=int, default=32, help="the largest request")
    parser.add_argument("--log", type=Path, metavar="DIR", help="note figures for monitor.py there, never an input")
    parser.add_argument("--switch", type=Path, metavar="FOLDER", help="give the running service the bundle in FOLDER")
    # a connection or a listening socket that another program hands over, as inetd does
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()
