"""Job kind ``open_beside``: a model that was made elsewhere, in the inner form and fed like the original."""

from workers.contracts.jobs import OpenBesideParams, OpenBesideResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: OpenBesideParams, ctx: JobContext) -> OpenBesideResult:
    """See `workers.model_io.beside.opening`."""
    from workers.model_io.beside.opening import open_beside

    return open_beside(params, ctx)


HANDLER = HandlerSpec(
    kind="open_beside", params=OpenBesideParams, result=OpenBesideResult, run=run, torch=True, preload=("onnx",)
)
