"""Run the job ``doctor``: open examples, try preprocessings, and report which one fits and why."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.data.doctor import DoctorEvidence, DoctorParams, DoctorResult
from workers.contracts.process.context import JobContext
from workers.evaluate.doctor import others, pictures
from workers.evaluate.doctor.evidence import Scorer
from workers.evaluate.doctor.material import Material
from workers.evaluate.doctor.search import Search
from workers.evaluate.doctor.verdict import Verdict, judge, preparation_row
from workers.evaluate.doctor.ways import Axis
from workers.measure.opening import open_session
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, Preprocess, TextSteps

AS_THEY_ARE = "These arrays have the model’s own shape and go in as they are, so that nothing is prepared."
NO_CLASSES = "Its answers are no classes or scores, so that nothing says which way is right."


def examine(params: DoctorParams, ctx: JobContext) -> DoctorResult:
    """Return which preprocessing fits.

    Raises:
        InputRefused: If the data or the model cannot be used.
    """
    began_s = time.monotonic()
    folder = Path(params.model_dir)
    pipeline = load_pipeline(folder)
    chosen = pipeline.spec.preprocess
    if pipeline.spec.answer_kind not in ("class", "score"):
        return _nothing(NO_CLASSES, began_s)
    session = open_session(folder, params.runtime, {}, ctx.threads)
    try:
        material = Material(params, pipeline, _side(pipeline, chosen), ctx)
        if not material.examples:
            return _nothing("None of the examples can be read.", began_s)
        if isinstance(chosen, ImageSteps | AudioSteps) and material.kind == "arrays":
            return _nothing(AS_THEY_ARE, began_s)
        scorer = Scorer(pipeline, session, material, ctx.seed)
        starts, axes = _plan(pipeline, chosen, material, folder, quick=params.quick)
        search = Search(scorer, ctx, params.seconds, params.quick)
        rows = search.run(chosen, starts, axes)
    finally:
        session.close()
    evidence: DoctorEvidence = "labels" if scorer.by_labels else "confidence"
    tried = sum(1 for row in search.rows.values() if row.n or row.problem)
    verdict = judge(rows, search.row(chosen), material.examples, evidence, tried)
    return _result(verdict, evidence, search, chosen, began_s)


def _side(pipeline: Pipeline, chosen: Preprocess) -> int:
    if not isinstance(chosen, ImageSteps):
        return 0
    return max(pictures.side_of(pipeline.main_input, chosen))


def _plan(
    pipeline: Pipeline, chosen: Preprocess, material: Material, folder: Path, *, quick: bool
) -> tuple[list[Preprocess], list[Axis]]:
    """Return where the search begins, and the axes along which it goes."""
    entry = pipeline.main_input
    starts: list[Preprocess] = [chosen]
    axes: list[Axis] = []
    if isinstance(chosen, ImageSteps):
        usual = pictures.start_of(entry, chosen)
        starts = [chosen, usual]
        axes = pictures.axes_of(entry, chosen)
    elif isinstance(chosen, AudioSteps):
        axes = others.sound_axes(entry, pipeline.stateful)
    elif isinstance(chosen, TextSteps):
        axes = others.text_axes(entry)
    elif isinstance(chosen, ArraySteps):
        axes = others.array_axes(entry, _main_arrays(pipeline, material), folder)
    return starts, [axis for axis in axes if axis.quick] if quick else axes


def _main_arrays(pipeline: Pipeline, material: Material) -> Sequence[Any]:
    """Return the examples' own values for the main input, without any preprocessing."""
    name, found = pipeline.main_input.name, []
    for example in material.examples:
        sample = example.sample
        value = sample.get(name) if isinstance(sample, dict) else sample
        if isinstance(value, np.ndarray):
            found.append(value)
    return found


def _nothing(what: str, began_s: float) -> DoctorResult:
    return DoctorResult(
        verdict="unclear",
        evidence="none",
        what="It cannot be told which preparation fits.",
        why=what,
        ways=(),
        seconds=time.monotonic() - began_s,
    )


def _result(
    verdict: Verdict, evidence: DoctorEvidence, search: Search, chosen: Preprocess, began_s: float
) -> DoctorResult:
    own = search.row(chosen)
    ranked = sorted(
        (row for row in search.rows.values() if row.n or row.problem),
        key=lambda row: (row.n, row.mean, row.rank),
        reverse=True,
    )
    return DoctorResult(
        verdict=verdict.verdict,
        evidence=evidence,
        what=verdict.what,
        why=verdict.why,
        ways=tuple(preparation_row(row, own) for row in ranked),
        best=preparation_row(verdict.best, own) if verdict.best is not None else None,
        rival=preparation_row(verdict.rival, own) if verdict.rival is not None else None,
        p_value=verdict.p_value,
        guess=verdict.guess,
        n=max((row.n for row in search.rows.values()), default=0),
        tried=len(ranked),
        runs=search.scorer.runs,
        seconds=time.monotonic() - began_s,
        stopped_early=search.stopped_early,
    )
