"""Request one page of a search."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from workers.contracts.hub import HubQuery, HubSearchParams, HubSearchResult
from workers.contracts.process.context import JobContext
from workers.hub.client import REPO, Hub, open_hub
from workers.hub.page import facts_of, parsed

SORTS = {
    "trending": "trendingScore",
    "downloads": "downloads",
    "likes": "likes",
    "updated": "lastModified",
    "created": "createdAt",
}
EXPAND = (
    "author", "cardData", "downloads", "gated", "lastModified", "library_name", "likes", "pipeline_tag", "safetensors",
    "siblings", "tags",
)  # fmt: skip
"""Fields that a search result shows; more would only make the response longer."""


def search(params: HubSearchParams, ctx: JobContext) -> HubSearchResult:
    """Return one page; it may hold fewer models than requested even if there is a next one.

    Raises:
        WorkerError: the hub cannot be used.
    """
    hub = open_hub(params.access, ctx)
    return hub.call("", lambda: _page(hub, params.query))


def _page(hub: Hub, query: HubQuery) -> HubSearchResult:
    items, next_url = hub.document("/api/models", parameters(query))
    if not isinstance(items, list):
        raise TypeError("a list was expected")
    infos = [parsed(item) for item in items[: query.limit]]
    models = tuple(facts_of(info, info.id) for info in infos if isinstance(info.id, str) and REPO.fullmatch(info.id))
    return HubSearchResult(models=models, next_cursor=cursor_of(next_url))


def parameters(query: HubQuery) -> dict[str, Any]:
    """Return the query as parameters of the hub's address."""
    filters = [query.library, f"license:{query.license}" if query.license else None]
    asked: dict[str, Any] = {
        "search": query.text.strip() or None,
        "pipeline_tag": query.task,
        "filter": [part for part in filters if part] or None,
        "sort": SORTS[query.sort],
        "limit": query.limit,
        "expand": list(EXPAND),
        "cursor": query.cursor,
    }
    return {name: value for name, value in asked.items() if value is not None}


def cursor_of(next_url: str | None) -> str | None:
    """Return only the cursor of the next page's address, because the user has chosen the hub."""
    if next_url is None:
        return None
    values = parse_qs(urlsplit(next_url).query).get("cursor", [])
    return values[0] if values and len(values[0]) <= 4000 else None
