"""Job kind ``answer``: evaluate the items of a split with one model and write answers.npz."""

from contextlib import closing
from pathlib import Path

from workers.contracts.jobs import AnswerParams, AnswerResult
from workers.contracts.process.context import JobContext
from workers.evaluate.proof.passages import Passages
from workers.evaluate.proof.predictions import (
    ANSWERS_FILE,
    Items,
    collect_predictions,
    load_predictions,
    save_predictions,
)
from workers.measure.opening import open_session
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.prepared import INDEX_FILE, Prepared
from workers.pipeline.spec import TextSteps


def run(params: AnswerParams, ctx: JobContext) -> AnswerResult:
    """Evaluate the items; `not_finite` counts items whose prediction is not finite."""
    pipeline = load_pipeline(Path(params.model_dir))
    items = _items(pipeline, Path(params.data_dir) / params.split)
    calibration = Path(params.data_dir) / "calibration"
    has_gallery = params.split == "test" and (calibration / INDEX_FILE).is_file()
    gallery = Prepared(calibration) if has_gallery else None
    earlier = load_predictions(Path(params.earlier)) if params.earlier else None
    ctx.check_cancelled()
    with closing(open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)) as session:
        answers = collect_predictions(pipeline, session, items, ctx, params.max_seconds, gallery, params.most, earlier)
    save_predictions(ctx.work_dir / ANSWERS_FILE, answers)
    broken = int((~answers.finite).sum())
    return AnswerResult(
        n=answers.n, seconds=answers.seconds, read_share=answers.read_share, not_finite=broken, stopped=answers.stopped
    )


def _items(pipeline: Pipeline, folder: Path) -> Items:
    """Return the prepared items; for a language model the passages of the texts that are judged."""
    items, steps = Prepared(folder), pipeline.spec.preprocess
    if pipeline.spec.answer_kind == "next_tokens" and isinstance(steps, TextSteps):
        return Passages(items, steps.max_length)
    return items
