"""Collect everything about one repository at one revision: card, files, license, and files to download."""

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from workers.contracts.hub import MAX_CARD_BYTES, HubFile, HubModelParams, HubModelResult, bad_name
from workers.contracts.process.context import JobContext
from workers.hub import words
from workers.hub.choose import Choice, choose
from workers.hub.client import COMMIT, Hub, checked_repo, open_hub
from workers.hub.faults import PASSING, raise_for
from workers.hub.rows import facts_of

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

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
        raise words.not_found(repo, "revision")
    hub = open_hub(params.access, ctx)
    info = hub.call(
        repo,
        lambda: hub.api.model_info(repo, revision=params.revision, files_metadata=True, timeout=hub.access.timeout_s),
    )
    try:
        return _result(hub, params, info)
    except (AttributeError, TypeError, KeyError) as error:
        raise words.garbage(hub.endpoint, type(error).__name__) from error


def _result(hub: Hub, params: HubModelParams, info: "ModelInfo") -> HubModelResult:
    if not isinstance(info.sha, str) or not COMMIT.fullmatch(info.sha):
        raise words.garbage(hub.endpoint, "no commit")
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
    files: list[HubFile] = []
    seen: set[str] = set()
    for sibling in info.siblings or []:
        name = sibling.rfilename
        if not isinstance(name, str) or is_trick(name) or name in seen:
            raise words.trick(repo, str(name), bad_name(str(name)) or "the name is there twice")
        seen.add(name)
        file = _file(sibling) if bad_name(name) is None else None
        if file is not None:
            files.append(file)
    return files


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
    if not isinstance(size, int) or size < 0 or not (sha256 or git_oid):
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
            raise words.trick(repo, file.name, "it cannot be told from another one where capitals do not count")
        seen.add(name)
    for name in seen:
        parts = name.split("/")
        if any("/".join(parts[:end]) in seen for end in range(1, len(parts))):
            raise words.trick(repo, name, "a file lies where it needs a folder")


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
