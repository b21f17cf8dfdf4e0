"""kind ``hub_model``: one repository's card, files, license, and what to download of it."""

from workers.contracts.hub import HubModelParams, HubModelResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: HubModelParams, ctx: JobContext) -> HubModelResult:
    """See `workers.hub.page`."""
    from workers.hub.open import open_hub
    from workers.hub.page import look

    return look(open_hub(params.access, ctx), params)


HANDLER = HandlerSpec("hub_model", HubModelParams, HubModelResult, run)
