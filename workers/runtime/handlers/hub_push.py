"""kind ``hub_push``: a bundle's files become a commit of a repository."""

from workers.contracts.hub import HubPushParams, HubPushResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: HubPushParams, ctx: JobContext) -> HubPushResult:
    """See `workers.hub.push`."""
    from workers.hub.push import push

    return push(params, ctx)


HANDLER = HandlerSpec("hub_push", HubPushParams, HubPushResult, run)
