"""The stages that most targets have, and how progress is told by them."""

from workers.contracts.process.context import JobContext
from workers.contracts.specs import Stage

WRITE = Stage(id="write", title="Write the bundle")
UNPACK = Stage(id="unpack", title="Unpack it in a clean place")
COMPARE = Stage(id="compare", title="Compare its answers")
RUN = Stage(id="run", title="Run it as a person would")


def tell(ctx: JobContext, stage: Stage, done: float, total: float = 1) -> None:
    """How far this stage is."""
    ctx.progress(stage.title, done, total, stage_id=stage.id)
