"""Search the hub with filters that it lacks: read pages until enough models fit or enough were read."""

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
"""Models per page with filters; larger pages need fewer requests."""


@dataclass(frozen=True)
class FoundModels:
    """Result of a search: the hub listed `looked_at` models, of which `models` fit.

    `next_cursor` is None on the hub's last page.
    """

    models: tuple[HubModel, ...]
    looked_at: int
    next_cursor: str | None = None


def find_models(space: Workspace, query: HubQuery, wish: Wish) -> Flow[FoundModels]:
    """Return the models that fit in the hub's order; raises `JobError` as `search_hub` does."""
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
    """Return the hub's address as a person opens it, unchecked: flows that use the hub check it."""
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or PUBLIC_HUB


def token_place(space: Workspace) -> TokenPlace:
    """Return where the token for this hub is stored, "" if there is none; no keyring is opened."""
    return knows_token(space.paths.hub, hub_address())


def forget(space: Workspace) -> bool:
    """Remove the token for this hub; return whether there was one."""
    return forget_token(space.paths.hub, hub_address())
