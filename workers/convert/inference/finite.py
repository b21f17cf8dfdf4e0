"""Check on examples that predictions stay finite when a model computes with fewer bits."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.contracts.translation import _
from workers.convert.graphs import onnx_files
from workers.convert.inference import engines
from workers.infer.base import NotRunnable
from workers.pipeline.pipeline import load_pipeline

ANSWERED = 4


def need_finite(model: Model, changed: Model, engine: engines.Engine, title: str, ctx: JobContext) -> None:
    """Check that `changed` gives finite predictions for all examples for which the original, in 32 bits, does.

    Nothing is checked without examples, or where the engine cannot run the model; that is reported elsewhere.

    Raises:
        InputRefused: a prediction became infinite or NaN.
    """
    items = list(ctx.calibration(ANSWERED))
    if not items:
        return
    pipeline = load_pipeline(model.folder)
    try:
        sessions = (
            engines.open_file(model.main, _in_32_bits(model), engine, ctx.threads),
            engines.open_file(changed.main, changed, engine, ctx.threads),
        )
    except NotRunnable as error:
        ctx.log(f"Whether answers stay finite could not be looked at: {onnx_files.one_line(error)}.", "warning")
        return
    broken = 0
    with closing(sessions[0]), closing(sessions[1]):
        for feeds in items:
            ctx.check_cancelled()
            before, after = (np.isfinite(pipeline.answer(session, feeds)).all() for session in sessions)
            broken += bool(before and not after)
    if broken:
        raise InputRefused(
            "half_precision_overflows",
            _("{0}: the numbers of this model are too large for it").format(_(title)),
            _(
                "For {0} of {1} examples the answer is no number any more (infinity or NaN), while the original "
                "gives one."
            ).format(broken, len(items)),
            "Keep 32-bit numbers for this model, or keep them for the operators with the largest values.",
        )


def _in_32_bits(model: Model) -> Model:
    return with_settings(model, model.folder, {"inference_precision": "f32"})


def with_settings(model: Model, folder: Path, settings: dict[str, Any]) -> Model:
    """Return the model with its file in `folder` and `settings` over its own settings."""
    artifact = model.artifact.model_copy(update={"settings": {**model.artifact.settings, **settings}})
    return Model(folder, artifact)
