"""kind ``hub_login``: asks the hub whose token it is."""

from workers.contracts.hub import HubLoginParams, HubLoginResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: HubLoginParams, ctx: JobContext) -> HubLoginResult:
    """See `workers.hub.account`."""
    from workers.hub.account import whoami
    from workers.hub.open import open_hub

    return HubLoginResult(user=whoami(open_hub(params.access, ctx)))


HANDLER = HandlerSpec("hub_login", HubLoginParams, HubLoginResult, run)
