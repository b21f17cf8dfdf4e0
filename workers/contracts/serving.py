"""Kind of job that gives a running service another bundle: its parameters and result."""

from pathlib import Path

from pydantic import Field

from workers.contracts.base import Frozen

SECRETS_FOLDER = Path(".local", "state", "fettle-service")
"""Below the home folder: where services without a key keep the secrets that loading another bundle needs."""


def service_secret_file(port: int) -> Path:
    """Return the file of the service at `port`, as the service itself names it. Raises RuntimeError without a home."""
    return Path.home() / SECRETS_FOLDER / f"{port}.secret"


class SwitchParams(Frozen):
    """kind ``switch``: unpacks a service's bundle into `folder`, then has the service at `host`:`port` take it.

    `sha256` is the release's: the bundle has to be that file, and the folder that file's content.
    `api_key` is sent to this service alone and never written into a log; "" for none. Then `secret_file` is where the
    service wrote its secret at its start, "" where there is no such file.
    """

    bundle: str
    sha256: str
    folder: str
    host: str
    port: int
    api_key: str = Field(default="", repr=False)
    secret_file: str = ""


class SwitchResult(Frozen):
    """`version` is what the service calls the bundle that it answers with now."""

    version: str
    folder: str
