"""Stages that most targets share, and the report of their progress."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.contracts.process.context import JobContext
from workers.contracts.specs import Stage

WRITE = Stage(id="write", title="Write the bundle")
UNPACK = Stage(id="unpack", title="Unpack it in a clean place")
COMPARE = Stage(id="compare", title="Compare its answers")
RUN = Stage(id="run", title="Run it as a person would")


def report(ctx: JobContext, stage: Stage, done: float, total: float = 1) -> None:
    """Report the progress of a stage."""
    ctx.progress(stage.title, done, total, stage_id=stage.id)


@contextmanager
def stage(ctx: JobContext, of: Stage) -> Iterator[None]:
    """Report the begin and the end of a stage that the block does."""
    report(ctx, of, 0)
    yield
    report(ctx, of, 1)
