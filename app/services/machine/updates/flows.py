"""Look for a newer version, download it so that it can resume, and install it beside the one that runs."""

import os
import shutil
from datetime import datetime
from functools import partial
from pathlib import Path

from app.services.flow.steps import DiskStep, Flow, JobError, Refused, Unavailable
from app.services.flow.workspace import Workspace
from app.services.hub.place import YES, HubPlace, checked_endpoint, download_step, is_private, look
from app.services.machine.optional_sets import InstallerStatus
from app.services.machine.updates.index import UpdateIndex, checked_index
from app.services.machine.updates.program import Program
from app.version import UPDATE_KEY, UPDATE_SERVER
from workers.contracts.base import Rows
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import HubDownloadParams, HubParams
from workers.contracts.translation import _

SERVER, KEY = "FETTLE_UPDATE_SERVER", "FETTLE_UPDATE_KEY"
"""Variables by which tests name another server and another public key."""

DAMAGED = frozenset(("hub_wrong_hash", "hub_wrong_length"))


def has_server() -> bool:
    """Return whether this build knows a server of updates."""
    return bool(os.environ.get(SERVER) or UPDATE_SERVER)


def look_for_update(space: Workspace, program: Program, seen: datetime | None) -> Flow[UpdateIndex]:
    """Return the checked index of the newest version, which may be the installed one.

    Raises:
        JobError: the server cannot be reached, or its index is refused or not for this kind of computer.
    """
    place = _place()
    try:
        params = HubParams(access=place.look())
        found = yield from look("update_index", params, Rows[str], _("Look for a newer version"))
    except JobError as error:
        raise _reworded(error, place) from error
    signed, signature = found.rows
    index = checked_index(signed, signature, os.environ.get(KEY) or UPDATE_KEY, program.version, seen)
    index.archive(program.platform, program.current)
    return index


def download_update(space: Workspace, program: Program, index: UpdateIndex) -> Flow[Path]:
    """Download the archive of a version and return its path; pieces stay after a stop and are continued.

    Raises:
        JobError: the download failed; a wrong archive is removed.
    """
    place, file = _place(), index.archive(program.platform, program.current)
    pieces = space.paths.updates / str(file.sha256)[:32]
    for other in space.paths.updates.glob("*"):
        if other != pieces:
            shutil.rmtree(other, ignore_errors=True)
    pieces.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        params = HubDownloadParams(access=place.access(), repo="", commit="", files=(file,), place=str(pieces))
        yield from download_step("update_download", params, _("Download version {0}").format(index.version)).run()
    except JobError as error:
        raise _reworded(error, place) from error
    return pieces.joinpath("files", *file.name.split("/"))


def install_update(
    space: Workspace, program: Program, index: UpdateIndex, archive: Path, status: InstallerStatus
) -> Flow[None]:
    """Install a downloaded version, which the next start runs; raises `JobError`."""
    sha256 = index.archive(program.platform, program.current).sha256 or ""
    yield DiskStep(partial(program.install, archive, sha256, status), ends_late=True)
    shutil.rmtree(space.paths.updates, ignore_errors=True)


def _place() -> HubPlace:
    """Return the server of updates; raises `JobError` if there is none or others could read what is sent."""
    server = os.environ.get(SERVER) or UPDATE_SERVER
    hint = _("Install a newer version in the way you installed this one.")
    if not server:
        detail = _("This program knows no server of updates.")
        raise Unavailable("update_no_server", _("There is no server of updates"), detail, hint)
    if not is_private(server):
        detail = _("The address of the server of updates is not encrypted.")
        raise Refused("update_not_encrypted", _("Updates are not looked for there"), detail, hint)
    offline = os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in YES
    return HubPlace(checked_endpoint(server), offline)


def _reworded(error: JobError, place: HubPlace) -> JobError:
    """Return an error of the hub's client in words about updates; the client's own words go to the log."""
    own = error.error
    if not own.code.startswith("hub_"):
        return error
    if own.code in DAMAGED:
        code, title = "update_damaged", _("The download is damaged or was changed")
        detail = _("It is not the file that the publisher signed, so it was removed.")
        hint = _("Download it again. If this persists, use another network and tell the publisher.")
    elif own.code == "hub_offline":
        code, title = "update_offline", _("Offline mode is on")
        detail, hint = _("HF_HUB_OFFLINE is set, so nothing was sent."), _("Unset it to look for newer versions.")
    else:
        code, title = "update_unreachable", _("The server of updates cannot be reached")
        detail = _("{0} did not answer as expected. What was downloaded is kept.").format(place.endpoint)
        hint = _("Check the network connection and the proxy settings, then try again.")
    info = ErrorInfo(code=code, title=title, detail=detail, hint=hint, traceback=f"{own.code}: {own.detail}")
    return JobError(info, error.exit_code)
