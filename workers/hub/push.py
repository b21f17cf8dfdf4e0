"""Find out to whom a token belongs; upload a bundle's files as one commit to a repository that the user has named."""

import zipfile
from pathlib import Path

from workers.contracts.hub import HubParams, HubPushParams, HubPushResult, bad_name
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.hub.client import Hub, checked_repo, open_hub
from workers.hub.faults import hub_error
from workers.hub.page import text_of

SENDING = mark("Send it to the hub")


def log_in(params: HubParams, ctx: JobContext) -> HubPushResult:
    """Return the user who owns the token.

    Raises:
        WorkerError: in plain words.
    """
    return HubPushResult(user=_user_of(open_hub(params.access, ctx)))


def _user_of(hub: Hub) -> str:
    answer, _next = hub.call("", lambda: hub.document("/api/whoami-v2", {}))
    name = text_of(answer.get("name")) if isinstance(answer, dict) else None
    if name is None:
        raise hub_error("hub_garbage", endpoint=hub.endpoint, what=_("no name"))
    return name


def push(params: HubPushParams, ctx: JobContext) -> HubPushResult:
    """Upload the bundle; afterwards the repository has all files, or is unchanged after an error.

    Raises:
        WorkerError: in plain words.
    """
    repo = checked_repo(params.repo)
    if "/" not in repo:
        raise hub_error("hub_bad_name", repo=repo)
    hub = open_hub(params.access, ctx)
    user = _user_of(hub)
    if params.bundle is None:
        return HubPushResult(repo=repo, user=user)
    ctx.progress(SENDING, 0, 2)
    folder = _unpacked(from_text(params.bundle), ctx)
    is_new = not hub.call(repo, lambda: hub.api.repo_exists(repo))
    hub.call(repo, lambda: hub.api.create_repo(repo, private=True, exist_ok=True))
    ctx.progress(SENDING, 1, 2)
    commit = hub.call(repo, lambda: _upload(hub, repo, folder, params.message))
    ctx.progress(SENDING, 2, 2)
    return HubPushResult(repo=repo, user=user, commit=commit, address=f"{hub.endpoint}/{repo}", made=is_new)


def _upload(hub: Hub, repo: str, folder: Path, message: str) -> str:
    """Upload the folder and return the commit's id."""
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    try:
        return str(hub.api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message or "Fettle").oid)
    except ValueError as error:
        if "README.md" in str(error):
            raise hub_error("hub_bad_card", repo=repo, reason=str(error)) from error
        raise
    except RuntimeError as error:  # wraps the error of one large file
        if isinstance(error.__cause__, Exception):
            raise error.__cause__ from error
        raise


def _unpacked(bundle: Path, ctx: JobContext) -> Path:
    """Unpack a bundle that this program has just written."""
    folder = ctx.work_dir / "files"
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            ctx.check_cancelled()
            if bad_name(name) is None:
                archive.extract(name, folder)
    return folder
