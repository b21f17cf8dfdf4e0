"""Job kinds ``gpu_rungs`` and ``gpu_rung``: the GPU doctor's ladder, each rung in its own process, which may crash."""

from workers.contracts.base import Nothing
from workers.contracts.gpu import RungParams, RungResult, RungsResult
from workers.contracts.process.context import JobContext
from workers.infer.base import gpu_index
from workers.measure.gpu_state import free_bytes, look
from workers.measure.ladder.rung import find_rungs


def list_rungs(params: Nothing, ctx: JobContext) -> RungsResult:
    """List the cards that respond and all rungs, without trying any."""
    state, cards = look()
    rungs = tuple(rung.listing for rung in find_rungs())
    return RungsResult(state=state, cards=tuple(cards), rungs=rungs, free_bytes=free_bytes(cards), index=gpu_index())


def try_rung(params: RungParams, ctx: JobContext) -> RungResult:
    """Try one rung.

    Raises:
        StopIteration: The rung does not exist, which is a mistake of the program.
    """
    rung = next(rung for rung in find_rungs() if rung.id == params.rung)
    return rung.attempt(params.card)
