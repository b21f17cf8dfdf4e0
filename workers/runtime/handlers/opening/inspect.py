"""Job kind ``inspect``: tell all about a model file without running it."""

from workers.contracts.jobs import InspectResult, OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: OpenParams, ctx: JobContext) -> InspectResult:
    """See `workers.model_io.opening.inspect_model`."""
    from workers.model_io.opening import inspect_model

    return inspect_model(params, ctx)


HANDLER = HandlerSpec(kind="inspect", params=OpenParams, result=InspectResult, run=run, torch=True, preload=("onnx",))
