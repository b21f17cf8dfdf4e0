"""Read the index of newer versions of the program from its server, and download their archives."""

import json
from urllib.parse import quote

from workers.contracts.base import Rows
from workers.contracts.hub import HubDownloadParams, HubDownloadResult, HubParams
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _
from workers.hub.client import Hub, open_hub
from workers.hub.download import fetch_all
from workers.hub.faults import hub_error, raise_for

INDEX = "index.json"
MOST_INDEX_BYTES = 1 << 20


def read_index(params: HubParams, ctx: JobContext) -> Rows[str]:
    """Return the signed text of the index and its signature in hex; whoever asked checks the signature.

    Raises:
        WorkerError: the server cannot be reached, or sends something else.
    """
    hub = open_hub(params.access, ctx)
    data = hub.call("", lambda: _read(hub))
    try:
        signed = json.loads(data)
        return Rows[str](rows=(signed["signed"], signed["signature"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise hub_error("hub_garbage", endpoint=hub.endpoint, what=type(error).__name__) from error


def fetch_archive(params: HubDownloadParams, ctx: JobContext) -> HubDownloadResult:
    """Download archives into ``params.place/files``; what has come stays there after an error and is continued.

    Raises:
        WorkerError: the archive cannot be downloaded, or is not the one of the index.
    """
    return fetch_all(params, lambda file: f"{params.access.endpoint}/{quote(file.name)}", ctx)


def _read(hub: Hub) -> bytes:
    headers = {"accept-encoding": "identity"}
    with hub.session.stream("GET", f"{hub.endpoint}/{INDEX}", headers=headers) as answer:
        if answer.status_code != 200:
            raise_for(answer)
        data = b""
        for chunk in answer.iter_raw():
            data += chunk
            if len(data) > MOST_INDEX_BYTES:
                raise hub_error("hub_garbage", endpoint=hub.endpoint, what=_("{0} bytes").format(len(data)))
    return data
