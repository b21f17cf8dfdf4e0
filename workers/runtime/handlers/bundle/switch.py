"""Job kind ``switch``: a running service takes another bundle."""

from workers.contracts.process.context import JobContext
from workers.contracts.serving import SwitchParams, SwitchResult
from workers.contracts.techniques import HandlerSpec
from workers.export.service.switching import switch


def run(params: SwitchParams, ctx: JobContext) -> SwitchResult:
    """See `workers.export.service.switching`."""
    return switch(params, ctx)


HANDLER = HandlerSpec("switch", SwitchParams, SwitchResult, run)
