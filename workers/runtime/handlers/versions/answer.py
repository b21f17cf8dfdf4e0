"""Job kind ``answer``: the items of a split through one model, kept in answers.npz."""

import time
from pathlib import Path

from workers.contracts.jobs import AnswerParams, AnswerResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.proof.predictions import ANSWERS_FILE, collect_answers, save_answers
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import INDEX_FILE, Prepared


def run(params: AnswerParams, ctx: JobContext) -> AnswerResult:
    """`not_finite` counts the items whose answer is no finite number."""
    pipeline = load_pipeline(Path(params.model_dir))
    items = Prepared(Path(params.data_dir) / params.split)
    calibration = Path(params.data_dir) / "calibration"
    has_gallery = params.split == "test" and (calibration / INDEX_FILE).is_file()
    gallery = Prepared(calibration) if has_gallery else None
    ctx.check_cancelled()
    session = open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    started = time.monotonic()
    try:
        answers = collect_answers(pipeline, session, items, ctx, params.max_seconds, gallery)
    finally:
        session.close()
    seconds = time.monotonic() - started
    path = ctx.work_dir / ANSWERS_FILE
    save_answers(path, answers)
    broken = int((~answers.finite).sum())
    return AnswerResult(n=answers.n, seconds=seconds, not_finite=broken, stopped=answers.stopped)


HANDLER = HandlerSpec("answer", AnswerParams, AnswerResult, run)
