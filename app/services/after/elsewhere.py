"""Add a model file that was made elsewhere to a finished run, judged and timed like its other versions."""

import dataclasses
from dataclasses import dataclass

from app.domain.run import Run
from app.domain.variant import LatencyPoint, Variant
from app.services.after.proving import judge_alone
from app.services.flow.steps import Flow, Measured, Refused
from app.services.flow.workspace import Workspace
from app.services.records.card import save_card_results
from app.services.records.facts import RunFacts, check_stored
from app.services.records.run_plan import BesideRequest
from app.services.records.speech import save_speech
from app.services.run.elsewhere import measure_both, open_version
from app.services.run.figures import time_words
from app.services.run.version_steps import predict, stored_version, threads_of


@dataclass(frozen=True)
class JudgedBeside:
    """The updated run and the id of the added version."""

    run: Run
    variant_id: str


def judge_file(workspace: Workspace, facts: RunFacts, request: BesideRequest) -> Flow[JudgedBeside]:
    """Open the file, predict all examples of the run, time it side by side with the original, and judge it.

    The recommendation follows the same rules as for any version. Everything is written at the end, so a cancel changes
    nothing.

    Raises:
        JobError: (exit code 3) The file cannot be opened, has other inputs or outputs, or is a known version.
    """
    check_stored(workspace, facts, facts.baseline, contents=False)
    original, threads = stored_version(facts, facts.baseline), threads_of(facts)
    index = 1 + max(variant.index for variant in facts.variants)
    version = yield from open_version(request, original, facts.data_dir, index)
    _refuse_known(facts, version.variant.recipe.id, version.variant.title)
    version = yield from predict(version, facts.data_dir, threads)
    again, version, measured = yield from measure_both(original, version, facts.data_dir, threads)
    variant = _with_note(version.variant, again.variant)
    added = dataclasses.replace(facts, variants=(*facts.variants, variant))
    run = yield from judge_alone(workspace, added, variant)
    write_measured(workspace, run, variant.id, measured)
    return JudgedBeside(run, variant.id)


def _with_note(variant: Variant, original: Variant) -> Variant:
    """Add a note with the original's time in the same measurement, since the run's own figure is older."""
    note = f"The original, timed in turn with it, took {time_words(original)} then."
    return dataclasses.replace(variant, notes=(*variant.notes, note))


def may_judge_file(facts: RunFacts) -> bool:
    """Return whether the run has an original with predictions."""
    return any(variant.is_baseline and variant.answers_key for variant in facts.variants)


def _refuse_known(facts: RunFacts, recipe_id: str, title: str) -> None:
    known = next((v for v in facts.variants if v.recipe.elsewhere is not None and v.recipe.id == recipe_id), None)
    if known is None:
        return
    detail = f"“{title}” was judged before; the same file on the same examples gives the same verdict."
    hint = "Choose it in the table, or add more examples to the result."
    raise Refused("known_version", "This file is a version of the result already", detail, hint)


def write_measured(workspace: Workspace, run: Run, variant_id: str, measured: Measured) -> None:
    """Store the latencies after the run's own points, which keeps its time line in order, and the other figures."""
    repositories, results = workspace.repositories, measured.results[1]
    last_s = repositories.latencies.last_s(run.id)
    points = tuple(LatencyPoint(variant_id, last_s, value) for one_set in measured.latencies_ms[1] for value in one_set)
    repositories.latencies.add_many(run.id, points)
    save_speech(repositories, variant_id, results)
    save_card_results(repositories, variant_id, results)
