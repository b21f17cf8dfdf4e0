"""kind ``hub_search``: one page of a search on the model hub."""

from workers.contracts.hub import HubSearchParams, HubSearchResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: HubSearchParams, ctx: JobContext) -> HubSearchResult:
    """See `workers.hub.search`."""
    from workers.hub.open import open_hub
    from workers.hub.search import search

    return search(open_hub(params.access, ctx), params.query)


HANDLER = HandlerSpec("hub_search", HubSearchParams, HubSearchResult, run)
