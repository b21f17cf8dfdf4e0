"""Run `fettle hub search`, `get` and `login`, the model hub without a window."""

import dataclasses
import sys
import time
from typing import Annotated

from typer import Argument, Option

from app.cli.output import MISSING, OK, Output, read_secret, usage
from app.cli.session import run, workspace
from app.services.flow.events import Event, StepProgress
from app.services.hub.flows import Downloaded, download_model, log_in, search_hub
from app.services.hub.model_cache import ModelCache
from app.services.hub.place import hub_place
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import DEFAULT_REVISION, HubModel, HubQuery, HubRequest, Sort
from workers.contracts.measured.sizes import bytes_words

PAGE = 100
LINE_EVERY_S = 5.0


def search(
    output: Output,
    text: Annotated[str, Argument(metavar="[TEXT]", help="Words in the model's name.")] = "",
    task: Annotated[str | None, Option(metavar="T", help="Such as image-classification.")] = None,
    library: Annotated[str | None, Option(metavar="L", help="Such as onnx or safetensors.")] = None,
    license: Annotated[str | None, Option(metavar="L", help="Such as apache-2.0.")] = None,
    limit: Annotated[int, Option(metavar="N", min=1, max=1000)] = 20,
) -> int:
    """Search the hub and print the models that match, most downloaded first."""
    listed: list[HubModel] = []
    sort: Sort = "downloads" if text else "trending"
    query = HubQuery(text=text[:200], task=task, library=library, license=license, sort=sort, limit=min(PAGE, limit))
    with workspace(output.options, writes=False, notice=output.notice) as space:
        place = hub_place(space)
        if place.warning:
            output.notice(place.warning)
        while len(listed) < limit:
            page = run(space, search_hub(space, query), output.watch)
            listed += page.models
            query = query.model_copy(update={"cursor": page.next_cursor})
            if query.cursor is None:
                break
    listed = listed[:limit]
    output.document({"models": [model.model_dump(mode="json") for model in listed]})
    for model in listed:
        formats = ", ".join(model.formats) or "no known format"
        safe = "" if model.safe_format else "  (no safe format)"
        output.text(
            f"  {model.repo:<50} {model.task or '-':<28} {model.license or 'no license':<14} "
            f"{model.downloads:>12,}  {formats}{safe}{'  (gated)' if model.gated else ''}"
        )
    more = ", and there are more" if query.cursor is not None else ""
    count = f"{len(listed)} model{'s' if len(listed) != 1 else ''}"
    output.sentence(f"{count}{more}." if listed else "No model fits. Use fewer words or filters.")
    return OK


def get(
    output: Output,
    repo: Annotated[str, Argument(metavar="REPO[@REV]")],
    file: Annotated[
        list[str], Option(metavar="PATTERN", help="Only these files; naming pickles is your consent.")
    ] = [],  # noqa: B006 - typer copies it
) -> int:
    """Download a model, whole and verified."""
    name, revision = split_revision(repo)
    request = HubRequest(repo=name, revision=revision, patterns=tuple(file), allow_pickle=bool(file))
    with workspace(output.options, writes=True, notice=output.notice) as space:
        place, free = hub_place(space), ModelCache(space.paths.hub).free_bytes()
        if place.warning:
            output.notice(place.warning)
        output.notice(f"{bytes_words(free)} are free on the disk.")
        done = run(space, download_model(space, request), _Watch(output))
        if place.offline:
            output.notice("Offline mode is on: this is what was downloaded before; the hub was not contacted.")
    _print_download(output, done)
    return OK


def _print_download(output: Output, done: Downloaded) -> None:
    stored = done.stored
    origin = stored.origin
    rows = [{"name": file.name, "sha256": file.sha256, "size": file.size_bytes} for file in origin.files]
    output.document({"path": str(stored.folder), "revision": origin.commit, "files": rows})
    for file in origin.files:
        output.text(f"  {file.sha256}  {file.size_bytes:>14,}  {file.name}")
    if origin.verdict is not None:
        output.notice(f"License: {origin.verdict.sentence}.")
    came = f"{bytes_words(done.fetched_bytes)} came over the network" if done.fetched_bytes else "it was here already"
    output.sentence(f"{origin.repo} is whole and verified; {came}. Go on with: fettle optimize {stored.open_path}")


def login(output: Output) -> int:
    """Store a token for the hub, read from the keyboard or standard input."""
    with workspace(output.options, writes=True, notice=output.notice) as space:
        place = hub_place(space)
        if place.offline:
            place.look()
        token = _read_token(place.endpoint)
        user, kept = run(space, log_in(space, token), output.watch)
        file = space.paths.hub / "token.json"
    output.document({"user": user, "endpoint": place.endpoint, "kept": kept})
    if kept == "file":
        output.notice(f"This system has no keyring, so the token is stored in {file}, which only you may read.")
    where = "the system's keyring" if kept == "keyring" else "a file that only you may read"
    output.sentence(f"Logged in as {user}; the token is kept in {where}.")
    return OK


def _read_token(endpoint: str) -> str:
    hint = "Paste the token and press Enter."
    info = ErrorInfo(code="no_token", title="No token was given", detail="The input ended.", hint=hint)
    return read_secret("token", f"Token for {endpoint} (made on its page Settings, Access tokens): ", MISSING, info)


def split_revision(text: str) -> tuple[str, str]:
    """Return ``author/name@v1`` as (``author/name``, ``v1``)."""
    repo, at, revision = text.partition("@")
    if not repo or (at and not revision):
        raise usage(f"{text!r} is not of the form author/name or author/name@revision.")
    return repo, revision or DEFAULT_REVISION


class _Watch:
    """Observer of one download that adds bytes and speed to the progress bar, or prints a line now and then."""

    def __init__(self, output: Output) -> None:
        """Create an observer that writes to `output`."""
        self._output, self._printed_s = output, time.monotonic()

    def __call__(self, event: Event) -> None:
        """Handle one event."""
        if isinstance(event, StepProgress) and event.unit == "bytes" and event.total:
            left_bytes, left_s = event.total - event.done, event.remaining_s
            rate = f", {bytes_words(left_bytes / left_s)} per second" if left_s and left_bytes else ""
            text = f"{event.stage}: {bytes_words(event.done)} of {bytes_words(event.total)}{rate}"
            event = dataclasses.replace(event, stage=text)
            if not sys.stderr.isatty() and time.monotonic() - self._printed_s >= LINE_EVERY_S:
                self._printed_s = time.monotonic()
                left = f", {left_s:.0f} s left" if left_s else ""
                self._output.notice(f"{text}{left}")
        self._output.watch(event)
