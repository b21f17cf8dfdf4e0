"""Kind of job that gives a running service another bundle: its parameters and result."""

from pydantic import Field

from workers.contracts.base import Frozen


class SwitchParams(Frozen):
    """kind ``switch``: unpacks a service's bundle into `folder`, then has the service at `host`:`port` take it.

    `sha256` is the release's: the bundle has to be that file, and the folder that file's content.
    `api_key` is sent to this service alone and never written into a log; "" for none.
    """

    bundle: str
    sha256: str
    folder: str
    host: str
    port: int
    api_key: str = Field(default="", repr=False)


class SwitchResult(Frozen):
    """`version` is what the service calls the bundle that it answers with now."""

    version: str
    folder: str
