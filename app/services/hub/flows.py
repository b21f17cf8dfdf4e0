"""Search the model hub, show and download models, and log in, for the window and the command line alike."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from app.credentials import Kept, TokenPlace, checked_token, forget_token, knows_token, save_token
from app.domain.hub import Wish
from app.services.flow.steps import Flow, FlowCancelled, JobError, Refused
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import ModelCache, PendingDownload, StoredModel, now
from app.services.hub.place import PUBLIC_HUB, HubPlace, download_step, hub_place, is_private, look
from workers.contracts.errors import WorkerError
from workers.contracts.hub import (
    HubDownloadParams,
    HubModel,
    HubModelParams,
    HubModelResult,
    HubParams,
    HubPushResult,
    HubQuery,
    HubRequest,
    HubSearchParams,
    HubSearchResult,
    Origin,
)
from workers.contracts.process.disk import DiskFull
from workers.contracts.translation import _, mark

ROOM_BYTES = 64 << 20
"""Bytes that stay free during a download for the database, logs and the job's folder."""


@dataclass(frozen=True)
class Downloaded:
    """A downloaded model; open `stored.open_path`.

    `fetched_bytes` came over the network now, 0 if everything was here before.
    """

    stored: StoredModel
    fetched_bytes: int = 0
    resumed_bytes: int = 0


def search_hub(space: Workspace, query: HubQuery) -> Flow[HubSearchResult]:
    """Return one page of models.

    Raises:
        JobError: The hub cannot be reached (exit code 6) or refuses (exit code 3).
    """
    params = HubSearchParams(access=hub_place(space).look(), query=query)
    return (yield from look("hub_search", params, HubSearchResult, "Search the hub"))


def hub_model(space: Workspace, request: HubRequest) -> Flow[HubModelResult]:
    """Return a model's card, its files, and those to download; raises `JobError` as `search_hub` does."""
    access = hub_place(space).look()
    params = HubModelParams(access=access, **request.model_dump())
    return (yield from look("hub_model", params, HubModelResult, "Look at the model"))


def download_model(
    space: Workspace, request: HubRequest, keep_partial: Callable[[], bool] = lambda: False
) -> Flow[Downloaded]:
    """Download a model into the data folder and verify it, or return the one that is there already.

    On a cancel the pieces are removed, unless `keep_partial` returns True for a pause. The same request then continues
    from there, even after the program was closed or killed.

    Raises:
        JobError: The download failed or was refused.
    """
    place, model_cache = hub_place(space), ModelCache(space.paths.hub)
    if place.offline:
        stored = model_cache.find(place.endpoint, request)
        if stored is not None:
            return Downloaded(stored)
    listing = yield from hub_model(space, request)
    check_wanted(listing, request)
    pending = PendingDownload.of(place.endpoint, request, listing)
    stored = model_cache.get(pending.key)
    if stored is not None:
        return Downloaded(stored)
    return (yield from _download(model_cache, place, pending, keep_partial))


def resume_download(
    space: Workspace, pending: PendingDownload, keep_partial: Callable[[], bool] = lambda: False
) -> Flow[Downloaded]:
    """Resume one of `ModelCache.pending_downloads()` at its original commit; raises `JobError`."""
    place = hub_place(space)
    if place.endpoint != pending.endpoint:
        detail = _("It was begun at {0}, and Fettle is set to {1} now.").format(pending.endpoint, place.endpoint)
        hint = mark("Set HF_ENDPOINT back, or remove the pieces and download the model anew.")
        raise Refused("other_hub", "This download is from another hub", detail, hint)
    return (yield from _download(ModelCache(space.paths.hub), place, pending, keep_partial))


def _download(
    model_cache: ModelCache, place: HubPlace, pending: PendingDownload, keep_partial: Callable[[], bool]
) -> Flow[Downloaded]:
    """Download the rest; pieces stay where going on is possible: after a pause, a lost connection, a killed program."""
    access = place.access()
    with model_cache.hold(pending.key):
        pieces = model_cache.begin(pending)
        try:
            check_room(model_cache, pending)
            params = HubDownloadParams(
                access=access, repo=pending.repo, commit=pending.commit, files=pending.files, place=str(pieces)
            )
            done = yield from download_step("hub_download", params, _("Download {0}").format(pending.repo)).run()
            facts = pending.model_dump(include=set(Origin.model_fields) - {"files"})
            stored = model_cache.adopt(pending, Origin(**facts, files=done.result.files, downloaded_at=now()))
        except (FlowCancelled, JobError) as error:
            goes_on = error.exit_code != Refused.exit_code_of_kind if isinstance(error, JobError) else keep_partial()
            if not goes_on:
                shutil.rmtree(pieces, ignore_errors=True)
            raise
    return Downloaded(stored, done.result.fetched_bytes, done.result.resumed_bytes)


def check_room(model_cache: ModelCache, pending: PendingDownload) -> None:
    """Raise `JobError` (exit code 6) if the disk lacks room for the rest of the download."""
    missing = max(0, pending.total_bytes - model_cache.received_bytes(pending.key))
    free = model_cache.free_bytes()
    if missing + ROOM_BYTES <= free:
        return
    full = DiskFull(
        model_cache.root,
        needed_bytes=missing,
        free_bytes=max(0, free - ROOM_BYTES),
        safe=_("{0} was not downloaded.").format(pending.repo),
        hint="Free disk space or remove models in the settings, or use a data folder on another disk.",
    )
    raise JobError(full.info(), full.exit_code)


def check_wanted(listing: HubModelResult, request: HubRequest) -> None:
    """Raise `JobError` (exit code 3) with an alternative if there is nothing that may be downloaded."""
    if listing.wanted:
        return
    if listing.needs_consent:
        detail = _("{0} has its weights only in files that run a program when they are read in the usual way.").format(
            listing.repo
        )
        hint = mark(
            "Ask its author for safetensors or ONNX, or choose the file yourself: that is your consent, "
            "and Fettle still checks it before it is opened."
        )
        title = mark("The weights could hold a program")
        raise Refused("hub_pickle", title, detail, hint, by_command="--file NAME")
    if request.patterns:
        detail = _("No file of {0} matches {1}.").format(listing.repo, ", ".join(request.patterns))
        hint = mark("Look at the list of files on the model's page, and mind capital letters.")
        raise Refused("hub_no_file", "No file has such a name", detail, hint)
    kinds = ", ".join(listing.formats) or _("none that Fettle knows")
    detail = _("{0} has no ONNX, safetensors or GGUF file (formats: {1}).").format(listing.repo, kinds)
    hint = mark("Search again with the library set to onnx or safetensors, or ask its author for one of these.")
    raise Refused("hub_no_model", "There is no model in it that Fettle can open", detail, hint)


def log_in(space: Workspace, text: str) -> Flow[tuple[str, Kept]]:
    """Check with the hub whose token this is and store it; return the account and where the token is stored.

    Raises:
        JobError: Nothing was stored.
    """
    place = hub_place(space)
    if not is_private(place.endpoint):
        detail = _("Others on the way to {0} could read your token, so it is not sent.").format(place.endpoint)
        title = mark("This hub's address is not encrypted")
        raise Refused("hub_not_encrypted", title, detail, "Use the hub's https address.")
    try:
        token = checked_token(text)
        access = place.look().model_copy(update={"token": token})
        account = yield from look("hub_login", HubParams(access=access), HubPushResult, "Log in to the hub")
        kept = save_token(space.paths.hub, place.endpoint, token)
    except WorkerError as error:
        raise JobError(error.info(), error.exit_code) from error
    return account.user, kept


ENOUGH, MAX_PAGES = 12, 5
FILTERED_LIMIT = 60
"""Models per page with filters; larger pages need fewer requests."""


class FoundModels(HubSearchResult):
    """Result of a search: the hub listed `looked_at` models, of which `models` fit."""

    looked_at: int


def find_models(space: Workspace, query: HubQuery, wish: Wish) -> Flow[FoundModels]:
    """Return the models that fit in the hub's order; raises `JobError` as `search_hub` does."""
    models: list[HubModel] = []
    looked_at = 0
    if not wish.is_empty:
        query = query.model_copy(update={"limit": FILTERED_LIMIT})
    for _page in range(MAX_PAGES):
        page = yield from search_hub(space, query)
        looked_at += len(page.models)
        models += [model for model in page.models if wish.fits(model)]
        if page.next_cursor is None or wish.is_empty or len(models) >= ENOUGH:
            return FoundModels(models=tuple(models), looked_at=looked_at, next_cursor=page.next_cursor)
        query = query.model_copy(update={"cursor": page.next_cursor})
    return FoundModels(models=tuple(models), looked_at=looked_at, next_cursor=query.cursor)


def hub_address() -> str:
    """Return the hub's address as a person opens it, unchecked: flows that use the hub check it."""
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or PUBLIC_HUB


def token_place(space: Workspace) -> TokenPlace:
    """Return where the token for this hub is stored, "" if there is none; no keyring is opened."""
    return knows_token(space.paths.hub, hub_address())


def forget(space: Workspace) -> bool:
    """Remove the token for this hub; return whether there was one."""
    return forget_token(space.paths.hub, hub_address())
