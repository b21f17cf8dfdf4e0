"""Verify, sign and publish a bundle, and read the log of one in use."""

import dataclasses
import shutil
from pathlib import Path

from app.services.flow.steps import DiskStep, Flow, JobError, JobStep, Refused, StepResult
from app.services.flow.workspace import Workspace
from app.services.hub.place import HubPlace, certificate_paths, hub_place, look
from app.version import VERSION
from workers.contracts.after.monitor import MonitorParams, MonitorResult
from workers.contracts.bundles import ExportResult, SignParams, VerifyParams, VerifyResult
from workers.contracts.folder import sha256_file
from workers.contracts.hub import HubPushParams, HubPushResult
from workers.contracts.paths import to_text
from workers.contracts.process.messages import Limits
from workers.contracts.translation import _, joined, mark

TITLE = mark("Read a log")


def monitor(log: Path) -> Flow[MonitorResult]:
    """Read the log in a worker process; raise `JobError` (exit code 3) if it is not a log."""
    done = yield from JobStep("monitor", MonitorParams(log=to_text(log)), MonitorResult, TITLE, (log,)).run()
    return done.result


def verify(workspace: Workspace, bundle: Path, own_key: str = "", *, allow_code: bool = False) -> Flow[VerifyResult]:
    """Check hashes, signature and golden answers of a bundle; its own scripts are never run.

    `own_key` is the fingerprint of this installation's key. A torch program or TensorRT engine in the bundle runs with
    `allow_code`, or if this installation exported or signed the bundle.
    """
    exported = {record.sha256 for record in workspace.repositories.exports.list()}
    if not allow_code and exported and bundle.is_file():
        allow_code = (yield DiskStep(lambda _stopped: sha256_file(bundle))) in exported
    done = yield from JobStep(
        "verify",
        VerifyParams(bundle=str(bundle), own_key=own_key, allow_code=allow_code),
        VerifyResult,
        "Verify the bundle",
        (bundle,),
    ).run()
    return done.result


PUSH_LIMITS = Limits(memory_bytes=4 << 30, network=True)


def check_push(space: Workspace, repo: str) -> Flow[HubPushResult]:
    """Check the repository's name and the account before anything is written; raises `JobError`."""
    place = _place(space)
    params = HubPushParams(access=place.look(), repo=repo)
    return (yield from look("hub_push", params, HubPushResult, "Ask the hub who you are"))


def push(space: Workspace, repo: str, bundle: Path) -> Flow[HubPushResult]:
    """Upload the files as one commit; a `JobError` says that the bundle itself was written."""
    place = _place(space)
    access = place.access()
    try:
        done = yield from JobStep(
            "hub_push",
            HubPushParams(access=access, repo=repo, bundle=str(bundle), message=f"Written by Fettle {VERSION}"),
            HubPushResult,
            "Send it to the hub",
            (bundle, *certificate_paths()),
            threads=1,
            limits=PUSH_LIMITS,
        ).run()
    except JobError as error:
        report = error.error
        safe = joined([_(report.detail), _("The bundle itself was written and tested: {0}.").format(bundle)])
        raise JobError(report.model_copy(update={"detail": safe}), error.exit_code) from error
    return done.result


def _place(space: Workspace) -> HubPlace:
    """Return the hub's place; raise `JobError` (exit code 3) if nobody is logged in there."""
    place = hub_place(space)
    if place.token is None:
        why = place.warning or _("There is no token for {0}.").format(place.endpoint)
        detail = joined([why, _("Nothing was written or sent.")])
        hint = mark("Log in on the page Hub with a token that may write, then export again.")
        raise Refused("hub_log_in_needed", "The hub does not know you yet", detail, hint, "fettle hub login")
    return place


def check_key(key: Path) -> Flow[None]:
    """Check before the export whether the key can sign; raise `JobError` if it cannot."""
    yield _step(SignParams(key=str(key)), mark("Check the key"), key)


def signed(done: StepResult[ExportResult], key: Path) -> Flow[StepResult[ExportResult]]:
    """Return the export with its bundle signed, in its own folder; the folder of `done` is removed."""
    bundle = done.folder / done.result.path
    try:
        params = SignParams(key=str(key), bundle=str(bundle))
        made = yield from _step(params, mark("Sign the bundle"), key, bundle).run()
    finally:
        shutil.rmtree(done.folder, ignore_errors=True)
    changes = made.result.model_dump(include={"sha256", "size_bytes", "files", "signed_by", "path"})
    return dataclasses.replace(done, result=done.result.model_copy(update=changes), folder=made.folder)


def _step(params: SignParams, title: str, *read: Path) -> JobStep[ExportResult]:
    return JobStep("sign", params, ExportResult, title, read, keep_folder=bool(params.bundle), threads=1)
