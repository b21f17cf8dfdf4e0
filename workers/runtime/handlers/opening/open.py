"""Job kind ``open``: turn a model file into the inner form (ONNX beside its pipeline), checked."""

from workers.contracts.jobs import OpenParams, OpenResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: OpenParams, ctx: JobContext) -> OpenResult:
    """See `workers.model_io.opening.open_model`; with what the license allows that the model names."""
    from workers.hub.licenses import judge
    from workers.model_io.opening import open_model

    done = open_model(params, ctx)
    return done.model_copy(update={"verdict": judge(done.info.license)})


HANDLER = HandlerSpec(kind="open", params=OpenParams, result=OpenResult, run=run, torch=True, preload=("onnx",))
