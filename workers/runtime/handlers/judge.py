"""Job kind ``judge``: two sets of answers over one set of data become a verdict."""

from pathlib import Path

from workers.contracts.context import JobContext
from workers.contracts.jobs import JudgeParams, JudgeResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.answers import load_answers
from workers.evaluate.dataset import read_dataset
from workers.evaluate.judge import judge

STAGE = "Judging"


def run(params: JudgeParams, ctx: JobContext) -> JudgeResult:
    """Deterministic for a seed: the same answers give the same verdict."""
    ctx.progress(STAGE, 0, 1)
    data = read_dataset(Path(params.data_dir))
    old, new = load_answers(Path(params.original_answers)), load_answers(Path(params.variant_answers))
    ctx.check_cancelled()
    judgement = judge(data, old, new, params.max_loss_pct, ctx.seed)
    ctx.progress(STAGE, 1, 1)
    return JudgeResult(judgement=judgement)


HANDLER = HandlerSpec("judge", JudgeParams, JudgeResult, run)
