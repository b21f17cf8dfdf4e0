"""Search a hub, and collect everything about one repository: card, files, license, and files to download.

The hub's description of a model becomes plain, limited values; none of its text is trusted.
"""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from workers.contracts.hub import (
    MAX_CARD_BYTES,
    HubFile,
    HubModel,
    HubModelParams,
    HubModelResult,
    HubQuery,
    HubSearchParams,
    HubSearchResult,
    bad_name,
)
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.hub.choose import Choice, choose, formats_of
from workers.hub.client import COMMIT, REPO, Hub, checked_repo, open_hub
from workers.hub.faults import PASSING, hub_error, raise_for
from workers.hub.licenses import judge
from workers.model_io.words import shown

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

MAX_TEXT = 200
MOST_COUNT = 1 << 53
"""Numbers from here on are no sizes of files; JSON holds numbers of any length."""
SAFE = ("onnx", "safetensors", "gguf")
BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "F8_E4M3": 8, "F8_E5M2": 8, "I8": 8, "U8": 8, "BOOL": 8,
}  # fmt: skip
"""Bits of safetensors' number formats; with an unknown one the size is unknown."""


def parsed(item: Any) -> "ModelInfo":
    """Parse one model with the library.

    Raises:
        TypeError: the item is no model.
        KeyError: the item is no model.
        ValueError: the item is no model.
    """
    from huggingface_hub import ModelInfo

    make: Any = ModelInfo
    info: ModelInfo = make(**{"siblings": None, **item})
    return info


def text_of(value: object) -> str | None:
    """Return a short line; None for anything but text."""
    return shown(value, MAX_TEXT) if isinstance(value, str) and value else None


def count_of(value: object) -> int:
    """Return a number of downloads or likes; 0 for invalid values."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_COUNT else 0


def license_of(info: "ModelInfo") -> tuple[str | None, LicenseVerdict]:
    """Return the hub's license identifier, from the card or else the tags, and the verdict on it."""
    card: Any = info.card_data
    stated = card.get("license") if card is not None and hasattr(card, "get") else None
    if not isinstance(stated, (str, list)) or not stated:
        tags = [tag for tag in info.tags or [] if isinstance(tag, str)]
        stated = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), None)
    names = [stated] if isinstance(stated, str) else [part for part in stated or [] if isinstance(part, str)]
    name, link = (card.get("license_name"), card.get("license_link")) if names and card is not None else ("", "")
    verdict = judge(names, name=name if isinstance(name, str) else "", link=link if isinstance(link, str) else "")
    shown_name = name if names == ["other"] and isinstance(name, str) and name else ", ".join(names)
    return text_of(shown_name), verdict


def weights_bytes(info: "ModelInfo") -> int | None:
    """Return the bytes of the safetensors weights, computed from the hub's parameter counts."""
    counts = info.safetensors.parameters if info.safetensors is not None else None
    if not isinstance(counts, dict) or not counts:
        return None
    known = all(kind in BITS and isinstance(count, int) and count >= 0 for kind, count in counts.items())
    n_bytes = sum(BITS[kind] * count for kind, count in counts.items()) // 8 if known else None
    return n_bytes if n_bytes is not None and n_bytes < MOST_COUNT else None


def facts_of(info: "ModelInfo", repo: str) -> HubModel:
    """Return the facts that the hub states about a model."""
    formats = formats_of(file.rfilename for file in info.siblings or [] if isinstance(file.rfilename, str))
    stated, verdict = license_of(info)
    return HubModel(
        repo=repo,
        task=text_of(info.pipeline_tag),
        library=text_of(info.library_name),
        author=text_of(info.author) or repo.partition("/")[0],
        license=stated,
        downloads=count_of(info.downloads),
        likes=count_of(info.likes),
        updated_at=info.last_modified.isoformat() if info.last_modified is not None else None,
        size_bytes=weights_bytes(info),
        formats=formats,
        safe_format=any(kind in SAFE for kind in formats),
        gated=bool(info.gated),
        verdict=verdict,
    )


REVISION = re.compile(r"[^\s\x00-\x1f\x7f\\?*\[~^:]{1,250}")
SHA256, SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
FRONT_MATTER = re.compile(r"\A\ufeff?---\r?\n.*?\r?\n---[ \t]*\r?\n", re.DOTALL)


def look(params: HubModelParams, ctx: JobContext) -> HubModelResult:
    """Return the page of a repository.

    Raises:
        WorkerError: the hub cannot be used, or file names would lead out of a folder.
    """
    repo = checked_repo(params.repo)
    if not REVISION.fullmatch(params.revision) or ".." in params.revision:
        raise hub_error("hub_no_revision", repo=repo)
    hub = open_hub(params.access, ctx)
    path = f"/api/models/{repo}/revision/{quote(params.revision, safe='')}"
    info = hub.call(repo, lambda: parsed(hub.document(path, {"blobs": True})[0]))
    try:
        return _result(hub, params, info)
    except (AttributeError, TypeError, KeyError) as error:
        raise hub_error("hub_garbage", endpoint=hub.endpoint, what=type(error).__name__) from error


def _result(hub: Hub, params: HubModelParams, info: "ModelInfo") -> HubModelResult:
    if not isinstance(info.sha, str) or not COMMIT.fullmatch(info.sha):
        raise hub_error("hub_garbage", endpoint=hub.endpoint, what=_("no commit"))
    files = _files(params.repo, info)
    choice = choose(files, params.patterns, params.allow_pickle)
    _refuse_clashes(params.repo, choice)
    card, is_cut = _card(hub, params.repo, info.sha, files)
    return HubModelResult(
        **facts_of(info, params.repo).model_dump(),
        revision=params.revision,
        commit=info.sha,
        card=card,
        card_cut=is_cut,
        total_bytes=sum(file.size_bytes for file in choice.wanted),
        **vars(choice),
    )


def _files(repo: str, info: "ModelInfo") -> list[HubFile]:
    """Return the files that may be downloaded: with a name that every system can keep, a size and a digest.

    Raises:
        InputRefused: a name leads elsewhere or occurs twice.
    """
    files: dict[str, HubFile | None] = {}
    for sibling in info.siblings or []:
        name = sibling.rfilename
        if not isinstance(name, str) or is_trick(name) or name in files:
            reason = _(bad_name(str(name)) or mark("the name occurs twice"))
            raise hub_error("hub_bad_names", repo=repo, name=str(name), reason=reason)
        files[name] = _file(sibling) if bad_name(name) is None else None
    return [file for file in files.values() if file is not None]


def is_trick(name: str) -> bool:
    """Return whether a name leads elsewhere or hides its kind; names that only some systems reject are skipped."""
    parts = name.replace("\\", "/").split("/")
    leads_out = any(part in ("", ".", "..") for part in parts) or re.match(r"[A-Za-z]:", name) is not None
    return leads_out or "\\" in name or (bad_name(name) or "").endswith(("too long", "cannot be seen"))


def _file(sibling: "RepoSibling") -> HubFile | None:
    lfs = sibling.lfs
    sha256 = lfs.sha256 if lfs is not None and SHA256.fullmatch(str(lfs.sha256)) else None
    git_oid = sibling.blob_id if SHA1.fullmatch(str(sibling.blob_id)) and lfs is None else None
    size = lfs.size if lfs is not None else sibling.size
    if not isinstance(size, int) or not 0 <= size < MOST_COUNT or not (sha256 or git_oid):
        return None
    return HubFile(name=sibling.rfilename, size_bytes=size, sha256=sha256, git_oid=git_oid)


def _refuse_clashes(repo: str, choice: Choice) -> None:
    """Refuse names that differ only in capital letters, and a file where another one needs a folder.

    Raises:
        InputRefused: there is such a name.
    """
    seen: set[str] = set()
    for file in choice.wanted:
        name = file.name.casefold()
        if name in seen:
            reason = _("another name differs from it only in capital letters")
            raise hub_error("hub_bad_names", repo=repo, name=file.name, reason=reason)
        seen.add(name)
    for name in seen:
        parts = name.split("/")
        if any("/".join(parts[:end]) in seen for end in range(1, len(parts))):
            reason = _("another file has the name of its folder")
            raise hub_error("hub_bad_names", repo=repo, name=name, reason=reason)


def _card(hub: Hub, repo: str, commit: str, files: list[HubFile]) -> tuple[str, bool]:
    """Return README.md without its front matter, and whether it was cut; empty where it cannot be read."""
    if not any(file.name == "README.md" for file in files):
        return "", False
    url = f"{hub.endpoint}/{repo}/resolve/{quote(commit, safe='')}/README.md"

    def read() -> bytes | None:
        with hub.session.stream("GET", url, headers=hub.headers()) as answer:
            if answer.status_code in PASSING:
                raise_for(answer)
            if answer.status_code != 200:
                return None
            data = bytearray()
            for chunk in answer.iter_bytes(1 << 16):
                data += chunk
                if len(data) > MAX_CARD_BYTES:
                    break
            return bytes(data)

    data = hub.call(repo, read) or b""
    text = data[:MAX_CARD_BYTES].decode("utf-8", "replace")
    return FRONT_MATTER.sub("", text), len(data) > MAX_CARD_BYTES


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
    fields: dict[str, Any] = {
        "search": query.text.strip() or None,
        "pipeline_tag": query.task,
        "filter": [part for part in filters if part] or None,
        "sort": SORTS[query.sort],
        "limit": query.limit,
        "expand": list(EXPAND),
        "cursor": query.cursor,
    }
    return {name: value for name, value in fields.items() if value is not None}


def cursor_of(next_url: str | None) -> str | None:
    """Return only the cursor of the next page's address, because the user has chosen the hub."""
    if next_url is None:
        return None
    values = parse_qs(urlsplit(next_url).query).get("cursor", [])
    return values[0] if values and len(values[0]) <= 4000 else None
