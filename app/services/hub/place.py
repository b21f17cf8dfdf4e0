"""Determine the hub, its token, and whether Fettle may contact it, and send short requests to it."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from app.credentials import find_token
from app.services.flow.steps import Flow, JobError, JobStep, Unavailable, WrongRequest
from app.services.flow.workspace import Workspace
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import WorkerError
from workers.contracts.hub import HubAccess, HubDownloadParams, HubDownloadResult, offline_error
from workers.contracts.process.messages import Limits
from workers.contracts.translation import _, mark

PUBLIC_HUB = "https://huggingface.co"
YES = frozenset({"1", "on", "yes", "true"})
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name certificates, e.g. of a company's proxy; the worker must be able to read them."""


@dataclass(frozen=True)
class HubPlace:
    """The hub to use; `token` is None if there is none or if it must not be sent, which `warning` explains."""

    endpoint: str
    offline: bool = False
    token: str | None = field(default=None, repr=False)
    warning: str = ""

    def access(self) -> HubAccess:
        """Return the access data for a worker; raise `JobError` (exit code 6) in offline mode."""
        if self.offline:
            error = offline_error()
            raise JobError(error.info(), error.exit_code)
        return HubAccess(endpoint=self.endpoint, token=self.token)

    def look(self) -> HubAccess:
        """Return the access for interactive requests, which fail soon instead of retrying."""
        return self.access().model_copy(update={"retries": 1, "max_wait_s": 10.0})


def hub_place(space: Workspace, environment: Mapping[str, str] = os.environ) -> HubPlace:
    """Return the hub of HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE, else the public hub with the stored token.

    Raises:
        JobError: (exit code 2 or 3) The address or the token is malformed.
    """
    endpoint = checked_endpoint(environment.get("HF_ENDPOINT", "").strip() or PUBLIC_HUB)
    offline = environment.get("HF_HUB_OFFLINE", "").strip().lower() in YES
    try:
        token = find_token(space.paths.hub, endpoint, environment)
    except WorkerError as error:
        raise JobError(error.info(), error.exit_code) from error
    if token is not None and not is_private(endpoint):
        warning = _("{0} is not encrypted, so your token is not sent there.").format(endpoint)
        return HubPlace(endpoint, offline, None, warning)
    return HubPlace(endpoint, offline, token)


def checked_endpoint(text: str) -> str:
    """Return an http(s) address without name and password; raise `JobError` (exit code 2) for any other."""
    address = text.rstrip("/")
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        good = False
    if not good or not address.isprintable() or " " in address:
        detail = mark(
            "HF_ENDPOINT must be an address such as https://hub.example.org, without a name or password in it."
        )
        hint = mark("Correct it, or unset HF_ENDPOINT to use the public hub.")
        raise WrongRequest("bad_endpoint", "This is no address of a hub", detail, hint)
    return address


def is_private(endpoint: str) -> bool:
    """Return whether third parties cannot read requests: the hub is encrypted, or on this computer."""
    parts = urlsplit(endpoint)
    return parts.scheme == "https" or is_here(parts.hostname or "")


def is_here(host: str) -> bool:
    """Return whether this host is this computer itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def download_step(kind: str, params: HubDownloadParams, title: str) -> JobStep[HubDownloadResult]:
    """Return the step that downloads files into a folder, where its pieces stay after a stop."""
    largest = max((file.size_bytes for file in params.files), default=0)
    limits = Limits(memory_bytes=1 << 30, cpu_s=None, file_bytes=largest + (1 << 20), network=True)
    pieces = (Path(params.place),)
    return JobStep(
        kind, params, HubDownloadResult, title, certificate_paths(), write_paths=pieces, threads=1, limits=limits
    )


def certificate_paths(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the files and folders with certificates that the environment names."""
    return tuple(Path(environment[name]).absolute() for name in CERTIFICATES if environment.get(name))


R = TypeVar("R", bound=BaseModel)

LOOK_LIMITS = Limits(memory_bytes=1 << 30, cpu_s=120, wall_s=180, file_bytes=1 << 26, network=True)

TOO_SLOW = frozenset(("time_limit", "cpu_limit"))
SLOW = ErrorInfo(
    code="hub_slow",
    title="The hub took too long",
    detail="The hub did not give its whole answer within three minutes. Nothing was changed on this computer.",
    hint="Check the connection and try again, or search for something narrower.",
)


def look(kind: str, params: BaseModel, result: type[R], title: str) -> Flow[R]:
    """Run one job that only reads from the hub; raises `JobError`, with exit code 6 if the hub takes too long."""
    try:
        done = yield from JobStep(kind, params, result, title, certificate_paths(), threads=1, limits=LOOK_LIMITS).run()
    except JobError as error:
        if error.error.code not in TOO_SLOW:
            raise
        raise JobError(
            SLOW.model_copy(update={"traceback": error.error.traceback}), Unavailable.exit_code_of_kind
        ) from error
    return done.result
