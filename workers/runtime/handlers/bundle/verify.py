"""kind ``verify``: is a bundle whole, and does it answer as it did where it was made?"""

from workers.contracts.bundles import VerifyParams, VerifyResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.export.verify import verify
from workers.registry import targets


def run(params: VerifyParams, ctx: JobContext) -> VerifyResult:
    """Findings are in words, the worst first."""
    return verify(params, ctx, targets())


HANDLER = HandlerSpec(kind="verify", params=VerifyParams, result=VerifyResult, run=run)
