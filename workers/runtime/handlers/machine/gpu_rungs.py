"""kind ``gpu_rungs``: the cards that answer, and the rungs of the doctor's ladder."""

from workers.contracts.gpu import RungsParams, RungsResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.infer.base import gpu_index
from workers.measure.gpu_state import free_bytes, look
from workers.measure.ladder.rung import find_rungs


def run(params: RungsParams, ctx: JobContext) -> RungsResult:
    """Nothing is tried yet."""
    state, cards = look()
    rungs = tuple(rung.listing for rung in find_rungs())
    return RungsResult(state=state, cards=tuple(cards), rungs=rungs, free_bytes=free_bytes(cards), index=gpu_index())


HANDLER = HandlerSpec(kind="gpu_rungs", params=RungsParams, result=RungsResult, run=run)
