"""Job kind ``open``: convert a model file to the inner form (ONNX with its pipeline), checked, with its license."""

from workers.contracts.jobs import OpenParams, OpenResult
from workers.contracts.process.context import JobContext
from workers.hub.licenses import judge
from workers.model_io.opening import open_model


def run(params: OpenParams, ctx: JobContext) -> OpenResult:
    """Open the model and add the verdict on its license."""
    done = open_model(params, ctx)
    return done.model_copy(update={"verdict": judge(done.info.license)})
