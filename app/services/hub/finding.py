"""Search the hub for what it cannot look for itself: page after page, until enough fit or enough were looked at."""

import os
from dataclasses import dataclass

from app.credentials import TokenPlace, forget_token, knows_token
from app.domain.hub import Wish
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.hub.flows import search_hub
from app.services.hub.place import PUBLIC_HUB
from workers.contracts.hub import HubModel, HubQuery

ENOUGH, MAX_PAGES = 12, 5
FILTERED_LIMIT = 60
"""Where much may be left out, larger pages are asked for, so that fewer requests do."""


@dataclass(frozen=True)
class FoundModels:
    """`looked_at` models were told by the hub, `models` of them fit. `next_cursor` is None on the hub's last page."""

    models: tuple[HubModel, ...]
    looked_at: int
    next_cursor: str | None = None


def find_models(space: Workspace, query: HubQuery, wish: Wish) -> Flow[FoundModels]:
    """Models that fit, in the hub's order. Raises `JobError` as `search_hub` does."""
    found: list[HubModel] = []
    looked_at = 0
    if not wish.is_empty:
        query = query.model_copy(update={"limit": FILTERED_LIMIT})
    for _ in range(MAX_PAGES):
        page = yield from search_hub(space, query)
        looked_at += len(page.models)
        found += [model for model in page.models if wish.fits(model)]
        if page.next_cursor is None or wish.is_empty or len(found) >= ENOUGH:
            return FoundModels(tuple(found), looked_at, page.next_cursor)
        query = query.model_copy(update={"cursor": page.next_cursor})
    return FoundModels(tuple(found), looked_at, query.cursor)


def hub_address() -> str:
    """The hub's address as a person would open it; whether it is a good one, the flows that ask it find out."""
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or PUBLIC_HUB


def has_token(space: Workspace) -> bool:
    """Whether there is a token for this hub, without opening a keyring."""
    return token_place(space) != ""


def token_place(space: Workspace) -> TokenPlace:
    """Where the token for this hub is, "" for nowhere."""
    return knows_token(space.paths.hub, hub_address())


def forget(space: Workspace) -> bool:
    """Remove the token that is kept for this hub; whether there was one."""
    return forget_token(space.paths.hub, hub_address())
