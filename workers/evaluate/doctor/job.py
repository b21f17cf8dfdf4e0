"""Run the job ``doctor``: open examples, try preprocessings, and report which one fits and why."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.data.doctor import DoctorEvidence, DoctorParams, DoctorResult
from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.evaluate.doctor import others, pictures
from workers.evaluate.doctor.evidence import Scorer
from workers.evaluate.doctor.material import Material
from workers.evaluate.doctor.search import Axes, Axis, Search
from workers.evaluate.doctor.verdict import judge, preparation_row, unclear
from workers.measure.opening import open_session
from workers.pipeline.arrays import dtype_of
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineInput, Preprocess, TextSteps

AS_THEY_ARE = mark("These arrays have the model’s own shape and go in as they are, so that nothing is prepared.")
NO_COMPARISON = mark(
    "Without labels, nothing shows how the columns of a table have to be prepared: its values mean different things."
)
NO_CLASSES = mark("Its answers are no classes or scores, so that no preparation can be called right.")


def examine(params: DoctorParams, ctx: JobContext) -> DoctorResult:
    """Return which preprocessing fits.

    Raises:
        InputRefused: If the data or the model cannot be used.
    """
    began_s = time.monotonic()
    result = _examine(params, ctx)
    return result.model_copy(update={"seconds": time.monotonic() - began_s})


def _examine(params: DoctorParams, ctx: JobContext) -> DoctorResult:
    folder = Path(params.model_dir)
    pipeline = load_pipeline(folder)
    chosen = pipeline.spec.preprocess
    if pipeline.spec.answer_kind not in ("class", "score"):
        return unclear("none", "", NO_CLASSES)
    with closing(open_session(folder, params.runtime, {}, ctx.threads)) as session:
        side = max(pictures.side_of(pipeline.main_input, chosen)) if isinstance(chosen, ImageSteps) else 0
        material = Material(params, pipeline, side, ctx)
        if not material.examples:
            return unclear("none", "", mark("None of the examples can be read."))
        if isinstance(chosen, ImageSteps | AudioSteps) and material.kind == "arrays":
            return unclear("none", "", AS_THEY_ARE)
        if isinstance(chosen, ArraySteps) and not material.has_labels and _is_row_of_a_table(pipeline.main_input):
            return unclear("none", "", NO_COMPARISON)
        scorer = Scorer(pipeline, session, material, ctx.seed)
        starts, axes = _plan(pipeline, chosen, material, folder, quick=params.quick)
        search = Search(scorer, ctx, params.seconds, params.quick)
        rows = search.run(chosen, starts, axes)
    evidence: DoctorEvidence = "labels" if scorer.by_labels else "confidence"
    tried, own = [row for row in search.rows.values() if row.n or row.problem], search.row(chosen)
    ranked = sorted(tried, key=lambda row: (row.n, row.mean, row.rank), reverse=True)
    result = judge(rows, own, material.examples, evidence, len(tried))
    report = {
        "ways": tuple(preparation_row(row, own) for row in ranked), "n": max((row.n for row in tried), default=0),
        "tried": len(tried), "runs": scorer.runs, "stopped_early": search.stopped_early,
    }  # fmt: skip
    return result.model_copy(update=report)


def _is_row_of_a_table(entry: PipelineInput) -> bool:
    """Return whether an item is a row of numbers, or one number, and not a sequence of integer ids.

    A model is surer of larger numbers, and of numbers in their own columns: both say nothing about a preparation.
    """
    sizes = entry.shape[1:]
    return all(size == 1 for size in sizes) or (len(sizes) == 1 and dtype_of(entry).kind not in "iu")


def _plan(
    pipeline: Pipeline, chosen: Preprocess, material: Material, folder: Path, *, quick: bool
) -> tuple[list[Preprocess], list[Axis]]:
    """Return where the search begins, and the axes along which it goes."""
    entry = pipeline.main_input
    starts: list[Preprocess] = [chosen]
    axes: Axes = [], []
    if isinstance(chosen, ImageSteps):
        starts.append(pictures.start_of(entry, chosen))
        axes = pictures.axes_of(entry, chosen)
    elif isinstance(chosen, AudioSteps):
        axes = others.sound_axes(entry, pipeline.stateful)
    elif isinstance(chosen, TextSteps):
        axes = others.text_axes(entry)
    elif isinstance(chosen, ArraySteps):
        axes = others.array_axes(entry, _main_arrays(pipeline, material), folder)
    return starts, axes[0] if quick else [*axes[0], *axes[1]]


def _main_arrays(pipeline: Pipeline, material: Material) -> Sequence[Any]:
    """Return the examples' own values for the main input, without any preprocessing."""
    name = pipeline.main_input.name
    samples = (example.sample for example in material.examples)
    values = (sample.get(name) if isinstance(sample, dict) else sample for sample in samples)
    return [value for value in values if isinstance(value, np.ndarray)]
