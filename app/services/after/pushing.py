"""Upload an exported bundle to the hub if a person requested that and named the repository."""

from pathlib import Path

from app.services.flow.steps import Flow, JobError, JobStep, Refused, StepResult
from app.services.flow.workspace import Workspace
from app.services.hub.looking import look
from app.services.hub.place import HubPlace, certificate_paths, hub_place
from app.version import VERSION
from workers.contracts.hub import HubPushParams, HubPushResult
from workers.contracts.process.messages import Limits

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
        done: StepResult[HubPushResult] = yield JobStep(
            kind="hub_push",
            params=HubPushParams(access=access, repo=repo, bundle=str(bundle), message=f"Written by Fettle {VERSION}"),
            result=HubPushResult,
            title="Send it to the hub",
            read_paths=(bundle, *certificate_paths()),
            threads=1,
            limits=PUSH_LIMITS,
        )
    except JobError as error:
        told = error.error
        safe = f"{told.detail} The bundle itself was written and tested: {bundle}."
        raise JobError(told.model_copy(update={"detail": safe}), error.exit_code) from error
    return done.result


def _place(space: Workspace) -> HubPlace:
    """Return the hub's place; raise `JobError` (exit code 3) if nobody is logged in there."""
    place = hub_place(space)
    if place.token is None:
        detail = f"{place.warning or f'There is no token for {place.endpoint}.'} Nothing was written or sent."
        hint = "Log in on the page Hub with a token that may write, then export again."
        raise Refused("hub_log_in_needed", "The hub does not know you yet", detail, hint, "fettle hub login")
    return place
