"""Client that makes a running service load another bundle, for ``serve.py --switch``."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

LOAD_S = 600.0
"""Seconds to load a large model and compare its golden predictions."""
STATE_S = 10.0
MAX_ANSWER_BYTES = 1 << 20


class NoService(RuntimeError):
    """Error: no service responds at the address."""


class NotLoaded(RuntimeError):
    """Error: the service did not load the bundle; the text gives the reason."""


def version_of(manifest: bytes) -> str:
    """Return the version of the bundle with this manifest.json, as a service reports it."""
    return hashlib.sha256(manifest).hexdigest()[:12]


def request_load(host: str, port: int, name: str, folder: Path, key: str, timeout_s: float = LOAD_S) -> str:
    """Make the service load the bundle in `folder` for the model `name`; return the version it then has.

    `key` is the API key or the service's secret. After `timeout_s` the connection is closed, and the service then gives
    up. The bundle may be in use already at that moment, so the service's version decides.

    Raises:
        NoService: No service responds.
        NotLoaded: The service refuses the bundle or does not finish in time.
    """
    body = json.dumps({"parameters": {"path": str(folder)}}).encode()
    try:
        status, report = _exchange(host, port, "POST", f"/v2/repository/models/{name}/load", key, body, timeout_s)
    except TimeoutError as error:
        version = _present_version(host, port, key)
        if version and version == _expected(folder):
            return version
        raise NotLoaded(f"it did not finish within {timeout_s:g} s and was canceled") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoService(str(error)) from error
    if status != http.client.OK:
        raise NotLoaded(str(report.get("error") or f"the service answered with status {status}")[:500])
    return str(report.get("version", ""))


def _expected(folder: Path) -> str:
    try:
        return version_of((folder / "manifest.json").read_bytes())
    except OSError:
        return ""


def _present_version(host: str, port: int, key: str) -> str:
    try:
        return str(_exchange(host, port, "GET", "/v2", key, b"", STATE_S)[1].get("version", ""))
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def _exchange(
    host: str, port: int, method: str, path: str, key: str, body: bytes, timeout_s: float
) -> tuple[int, Mapping[str, Any]]:
    """Return status and JSON object of one response."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    with closing(http.client.HTTPConnection(host, port, timeout=timeout_s)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        report = json.loads(response.read(MAX_ANSWER_BYTES))
    if not isinstance(report, dict):
        raise ValueError("its response is not a JSON object")
    return response.status, report
