"""Warn about one-sided calibration inputs, whose ranges do not fit other inputs."""

from contextlib import closing

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.contracts.translation import _
from workers.convert.inference import engines
from workers.pipeline.pipeline import load_pipeline

EXAMPLES, FEWEST = 32, 8


def notes(model: Model, ctx: JobContext) -> tuple[str, ...]:
    """Return a warning where the original predicts the same class for all of the first 32 calibration inputs.

    Return nothing for fewer than 8 inputs and for models that do not classify.
    """
    pipeline = load_pipeline(model.folder)
    if pipeline.spec.answer_kind != "class":
        return ()
    items = list(ctx.calibration(EXAMPLES))
    if len(items) < FEWEST:
        return ()
    seen: set[int] = set()
    with closing(engines.open_file(model.main, model, "onnxruntime-cpu", ctx.threads)) as session:
        for feeds in items:
            ctx.check_cancelled()
            answer = pipeline.answer(session, feeds)
            seen.update(np.unique(answer.reshape(-1, answer.shape[-1]).argmax(axis=1)).tolist())
            if len(seen) > 1:
                return ()
    return (
        _(
            "The original gives the same answer for all {0} calibration examples, so ranges that fit them may "
            "not fit others. Add examples of every kind, prepared like those that the model will see."
        ).format(len(items)),
    )
