"""Job kinds ``hub_search``, ``hub_model`` and ``hub_login``: requests to the model hub through one client."""

from workers.contracts.hub import (
    HubLoginParams,
    HubLoginResult,
    HubModelParams,
    HubModelResult,
    HubSearchParams,
    HubSearchResult,
)
from workers.contracts.process.context import JobContext
from workers.hub.account import whoami
from workers.hub.open import open_hub
from workers.hub.page import look
from workers.hub.search import search


def run_search(params: HubSearchParams, ctx: JobContext) -> HubSearchResult:
    """Return one page of a search."""
    return search(open_hub(params.access, ctx), params.query)


def run_model(params: HubModelParams, ctx: JobContext) -> HubModelResult:
    """Return one repository's card, files and license, and the files to download."""
    return look(open_hub(params.access, ctx), params)


def run_login(params: HubLoginParams, ctx: JobContext) -> HubLoginResult:
    """Return the user who owns the token."""
    return HubLoginResult(user=whoami(open_hub(params.access, ctx)))
