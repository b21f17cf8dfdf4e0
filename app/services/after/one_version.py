"""Prove one version of a finished run alone: a known one, or a model file that was made elsewhere."""

import dataclasses

from app.domain.choose import is_gain
from app.domain.run import Run
from app.domain.variant import LatencyPoint, Variant
from app.services.after.proving import choose_again, judge_alone
from app.services.after.run_data import alone_s
from app.services.flow.steps import Flow, Measured, Refused
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, check_stored
from app.services.records.measured import save_card_results, save_speech
from app.services.records.run_records import OtherModelRequest
from app.services.run.costs import cost_in_turn, in_turn_s
from app.services.run.figures import time_words
from app.services.run.prove_other import measure_both, open_version
from app.services.run.version_steps import predict, stored_version, threads_of
from workers.contracts.translation import _, mark


def judge_file(workspace: Workspace, facts: RunFacts, request: OtherModelRequest) -> Flow[tuple[Run, str]]:
    """Open the file, predict all examples of the run, time it side by side with the original, and judge it.

    Returns:
        The updated run and the id of the added version.

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
    return run, variant.id


def _with_note(variant: Variant, original: Variant) -> Variant:
    """Add a note with the original's time in the same measurement, since the run's own figure is older."""
    note = _("The original, timed in turn with it, took {0} then.").format(time_words(original))
    return dataclasses.replace(variant, notes=(*variant.notes, note))


def may_judge_file(facts: RunFacts) -> bool:
    """Return whether the run has an original with predictions."""
    return any(variant.is_baseline and variant.answers_key for variant in facts.variants)


def _refuse_known(facts: RunFacts, recipe_id: str, title: str) -> None:
    known = next((v for v in facts.variants if v.recipe.elsewhere is not None and v.recipe.id == recipe_id), None)
    if known is None:
        return
    detail = _("“{0}” was judged before; the same file on the same examples gives the same verdict.").format(title)
    hint = mark("Choose it in the table, or add more examples to the result.")
    raise Refused("known_version", "This file is a version of the result already", detail, hint)


def write_measured(workspace: Workspace, run: Run, variant_id: str, measured: Measured) -> None:
    """Store the latencies after the run's own points, which keeps its time line in order, and the other figures."""
    repositories, results = workspace.repositories, measured.results[1]
    last_s = repositories.latencies.last_s(run.id)
    points = tuple(LatencyPoint(variant_id, last_s, value) for one_set in measured.latencies_ms[1] for value in one_set)
    repositories.latencies.add_many(run.id, points)
    save_speech(repositories, variant_id, results)
    save_card_results(repositories, variant_id, results)


def is_timed(variant: Variant) -> bool:
    """Return whether a version was shown to be a gain, so that only its predictions are left to test."""
    return is_gain(variant, "speed")


def prove_alone(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[Run]:
    """Measure a version in turn with the original, evaluate it if it is a gain, choose again and save the run.

    A version that has been measured in turn is only evaluated. One that is no gain gets its new figures and no look at
    the test set. Everything is saved at the end, so that cancelling changes nothing.
    """
    if is_timed(variant):
        return (yield from judge_alone(workspace, facts, variant))
    check_stored(workspace, facts, variant, contents=False)
    original = stored_version(facts, facts.baseline)
    others = [one for one in facts.made if one.is_side_by_side and one.id != variant.id]
    _, timed, measured = yield from measure_both(
        original,
        stored_version(facts, variant),
        facts.data_dir,
        threads_of(facts),
        family=1 + len(others),
        shown=facts.baseline,
    )
    proven = timed.variant
    variants = tuple(proven if one.id == proven.id else one for one in facts.variants)
    updated = dataclasses.replace(facts, variants=variants)
    if is_timed(proven) and proven.judgement is None:
        run = yield from judge_alone(workspace, updated, proven)
    else:
        run = choose_again(workspace, updated, proven)
    write_measured(workspace, run, proven.id, measured)
    return run


def prove_alone_s(workspace: Workspace, facts: RunFacts, variant: Variant) -> float | None:
    """Return the approximate seconds of `prove_alone`, None if too little is known of the original."""
    answers_s = alone_s(workspace, facts, variant) if variant.judgement is None else 0.0
    if answers_s is None or is_timed(variant):
        return answers_s
    costs = [cost_in_turn(one.measurement.load_ms, one.measurement.typical_ms) for one in (facts.baseline, variant)]
    return answers_s + in_turn_s(costs)
