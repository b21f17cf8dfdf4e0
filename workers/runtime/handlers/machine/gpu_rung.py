"""kind ``gpu_rung``: tries one rung of the doctor's ladder, in a process of its own that may crash with it."""

from workers.contracts.gpu import RungParams, RungResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.measure.ladder.rung import find_rungs


def run(params: RungParams, ctx: JobContext) -> RungResult:
    """Raises StopIteration for a rung that there is not: the program's own mistake."""
    rung = next(rung for rung in find_rungs() if rung.id == params.rung)
    return rung.attempt(params.card)


HANDLER = HandlerSpec(kind="gpu_rung", params=RungParams, result=RungResult, run=run)
