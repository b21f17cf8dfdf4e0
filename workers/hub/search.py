"""One page of a search."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from workers.contracts.hub import HubQuery, HubSearchResult
from workers.hub.client import Hub
from workers.hub.rows import parsed, row_of

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
"""What a card shows; more would only make the answer longer."""


def search(hub: Hub, query: HubQuery) -> HubSearchResult:
    """Raises `WorkerError`. A page may hold fewer models than asked for although there is a next one."""
    return hub.ask("", lambda: _page(hub, query))


def _page(hub: Hub, query: HubQuery) -> HubSearchResult:
    items, next_url = hub.document("/api/models", parameters(query))
    if not isinstance(items, list):
        raise TypeError("a list was expected")
    rows = [row_of(parsed(item)) for item in items[: query.limit]]
    return HubSearchResult(models=tuple(row for row in rows if row is not None), next_cursor=cursor_of(next_url))


def parameters(query: HubQuery) -> dict[str, Any]:
    """The question as the hub's address has it."""
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
    """Only the cursor is taken from the next page's address: where to ask, the person has said."""
    if next_url is None:
        return None
    values = parse_qs(urlsplit(next_url).query).get("cursor", [])
    return values[0] if values and len(values[0]) <= 4000 else None
