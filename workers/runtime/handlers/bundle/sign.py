"""kind ``sign``: a finished bundle, signed by a job that opens no model."""

from workers.contracts.bundles import SignParams, SignResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.export.signing import sign_bundle


def run(params: SignParams, ctx: JobContext) -> SignResult:
    """Raises `InputRefused` for a key that cannot sign, `BackendMissing` where the package that signs is not there."""
    return sign_bundle(params, ctx)


HANDLER = HandlerSpec(kind="sign", params=SignParams, result=SignResult, run=run)
