"""Set up the client library `huggingface_hub` for one job: its address, no telemetry, and a protected token.

The library reads its environment when it is imported, hence `connect` sets it first. Its one HTTP session is ours:
every request that it sends, also after a redirect, passes `_Guard`, which sends the token only to the hub.
"""

import json
import os
import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from workers.contracts.hub import HubAccess, offline_error
from workers.contracts.process.context import JobContext
from workers.hub.addresses import reach_of
from workers.hub.faults import RetryPolicy, hub_error, is_passing, raise_for, translated

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

T = TypeVar("T")
PORTS = {"http": 80, "https": 443}
REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[\w.-]{1,96})?", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
TRUE = frozenset({"1", "on", "yes", "true"})
CONNECTIONS = 16
MOST_DOCUMENT_BYTES, MOST_DOCUMENT_S = 64 << 20, 120.0
"""Limits of one JSON document, unpacked, and of the time in which it comes."""
TICK_S = 0.05
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def origin(url: str) -> tuple[str, str, int]:
    """Return (scheme, host, port) of an address.

    Raises:
        ValueError: the port is invalid.
    """
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)


class _Guard:
    """Checks each request before it is sent and each redirect before it is followed."""

    def __init__(self, endpoint: str) -> None:
        self._home = origin(endpoint)
        self._reach = lru_cache(reach_of)

    def on_request(self, request: "httpx2.Request") -> None:
        """Send the token only to the hub's own origin; http_backoff and redirects do not always ensure that.

        The address is that of the library, which may read a redirect differently from `check`.

        Raises:
            InputRefused: the address is on this computer or its network.
        """
        if origin(str(request.url)) != self._home:
            if self._enters(request.url.host):
                raise hub_error("hub_redirect", target=str(request.url))
            for name in ("authorization", "cookie", "proxy-authorization"):
                request.headers.pop(name, None)

    def on_response(self, response: "httpx2.Response") -> None:
        """Check a redirect before it is followed.

        Raises:
            InputRefused: it leads to a file, out of encryption, or into this computer or its network.
        """
        if response.has_redirect_location:
            self.check(str(response.request.url), response.headers["location"])

    def check(self, source: str, location: str) -> str:
        """Return the whole address of a redirect.

        Raises:
            InputRefused: it must not be followed.
        """
        try:
            target = urljoin(source, location)
            scheme, host, _ = origin(target)
        except ValueError as error:
            raise hub_error("hub_redirect", target=location) from error
        is_lower = scheme == "http" and urlsplit(source).scheme == "https"
        if scheme not in PORTS or not host or is_lower or self._enters(host):
            raise hub_error("hub_redirect", target=target)
        return target

    def _enters(self, host: str) -> bool:
        """Return whether fewer computers can reach a host than the hub; private hubs may use hosts of their network."""
        home = self._home[1]
        return host.lower() != home and self._reach(host) > self._reach(home)


class Hub:
    """The connection of one job to one hub; `pause` sleeps, and raises if the user cancels meanwhile."""

    def __init__(self, access: HubAccess, pause: Callable[[float], None], log: Callable[[str], None]) -> None:
        """Set up the client library; `log` receives sentences about waiting.

        Raises:
            BackendMissing: offline mode is on.
        """
        self.access, self.pause, self.log = access, pause, log
        self.endpoint = access.endpoint
        self._guard = _Guard(access.endpoint)
        self.api = self._connect()

    def _connect(self) -> "HfApi":
        """Import the library with the right environment.

        Raises:
            BackendMissing: offline mode is on.
        """
        if os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in TRUE:
            raise offline_error()
        os.environ["HF_ENDPOINT"] = self.endpoint
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_XET"] = "1"
        os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
        for name in TOKEN_VARIABLES:  # only the job provides the token
            os.environ.pop(name, None)
        from huggingface_hub import HfApi, constants, set_client_factory
        from huggingface_hub.utils import logging

        # the library reads the environment once, possibly before this job
        constants.HF_HUB_DISABLE_TELEMETRY = constants.HF_HUB_DISABLE_XET = True
        logging.set_verbosity(logging.ERROR)  # its warnings hold whole addresses
        set_client_factory(self._new_client)
        return HfApi(endpoint=self.endpoint, token=self.access.token or False)

    def _new_client(self) -> "httpx2.Client":
        import httpx2

        return httpx2.Client(
            event_hooks={"request": [self._guard.on_request], "response": [self._guard.on_response]},
            follow_redirects=True,
            max_redirects=5,
            timeout=self.access.timeout_s,
            limits=httpx2.Limits(max_connections=CONNECTIONS),
        )

    @property
    def session(self) -> "httpx2.Client":
        """Return the library's own session, fetched each time because a failed connection replaces it."""
        from huggingface_hub.utils import get_session

        return get_session()

    def headers(self) -> dict[str, str]:
        """Return the headers of each request of the library, including the token."""
        from huggingface_hub.utils import build_hf_headers

        return build_hf_headers(token=self.access.token or False)

    def call(self, repo: str, call: Callable[[], T], arrived: Callable[[], int] = lambda: 0) -> T:
        """Call a function of the library until it succeeds or retrying is useless.

        `arrived` counts bytes that stay after an error: while it grows, attempts start again from the first.

        Raises:
            WorkerError: in plain words.
        """
        retry = RetryPolicy(self.access, self.pause, self.log)
        while True:
            before = arrived()
            try:
                return call()
            except Exception as error:
                if arrived() > before:
                    retry.reset()
                if not is_passing(error) or not retry.wait(error):
                    raise translated(error, self.access, repo, retry.attempts) from error

    def document(self, path: str, params: dict[str, Any]) -> tuple[Any, str | None]:
        """Return one JSON document below the hub's address and the address of its next page.

        Raises:
            Exception: the library's errors.
        """
        data, ends_s = bytearray(), time.monotonic() + MOST_DOCUMENT_S
        with self.session.stream("GET", f"{self.endpoint}{path}", params=params, headers=self.headers()) as response:
            if response.status_code != 200:
                raise_for(response)
            for piece in response.iter_bytes():
                data += piece
                if len(data) > MOST_DOCUMENT_BYTES:
                    raise ValueError("a document of this size")
                if time.monotonic() > ends_s:
                    raise hub_error("hub_broke_off", endpoint=self.endpoint, attempts=1)
        return json.loads(data), response.links.get("next", {}).get("url")


def checked_repo(repo: str) -> str:
    """Return a repository's name after checking it.

    Raises:
        InputRefused: no hub has such names.
    """
    if not REPO.fullmatch(repo) or ".." in repo or "--" in repo or repo.endswith(".git"):
        raise hub_error("hub_bad_name", repo=repo)
    return repo


def open_hub(access: HubAccess, ctx: JobContext) -> Hub:
    """Open the hub for work in the job's own thread: cancelling ends waits, and notices go to the job's log.

    Raises:
        BackendMissing: offline mode is on.
    """

    def pause(seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            ctx.check_cancelled()
            time.sleep(min(TICK_S, left_s))

    return Hub(access, pause, lambda text: ctx.log(text, "warning"))
