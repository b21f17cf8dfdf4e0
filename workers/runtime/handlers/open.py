"""Job kind ``open``: turn a model file into the inner form (ONNX beside its pipeline), checked."""

from workers.contracts.context import JobContext
from workers.contracts.jobs import OpenParams, OpenResult
from workers.contracts.techniques import HandlerSpec


def run(params: OpenParams, ctx: JobContext) -> OpenResult:
    """See `workers.model_io.opening.open_model`."""
    from workers.model_io.opening import open_model

    return open_model(params, ctx)


HANDLER = HandlerSpec(kind="open", params=OpenParams, result=OpenResult, run=run, torch=True)
