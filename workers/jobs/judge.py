"""Job kind ``judge``: compute a verdict from two sets of predictions for the same examples."""

from workers.contracts.jobs import JudgeParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Judgement
from workers.evaluate.judge import judge
from workers.evaluate.proof.added import read_parts

STAGE = "Judging"


def run(params: JudgeParams, ctx: JobContext) -> Judgement:
    """Judge the predictions; the same predictions and seed give the same verdict."""
    ctx.progress(STAGE, 0, 1)
    joined, numbers = read_parts(params)
    ctx.check_cancelled()
    judgement = judge(joined.data, joined.old, joined.new, params.max_loss_pct, ctx.seed, params.earlier)
    changed = tuple(int(numbers[item]) for item in judgement.changed)
    ctx.progress(STAGE, 1, 1)
    return judgement.model_copy(update={"changed": changed})
