"""Return the parameters and write one file."""

from fettle_service_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    (ctx.work_dir / "out.txt").write_text("made")
    ctx.progress("echo", 1, 1)
    return Result(values={**params.values, "seed": ctx.seed})
