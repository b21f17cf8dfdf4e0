"""Prove one version of a finished run by itself: that it is faster, and that it answers alike."""

import dataclasses

from app.domain.choose import is_gain
from app.domain.run import Run
from app.domain.variant import Variant
from app.services.after.elsewhere import write_measured
from app.services.after.proving import choose_again, judge_alone
from app.services.after.run_data import alone_s
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, check_stored
from app.services.run.costs import cost_in_turn, in_turn_s
from app.services.run.elsewhere import measure_both
from app.services.run.version_steps import stored_version, threads_of


def is_timed(variant: Variant) -> bool:
    """Whether a version was shown to be a gain beside the original, so that only its answers are left to test."""
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
    found = timed.variant
    variants = tuple(found if one.id == found.id else one for one in facts.variants)
    known = dataclasses.replace(facts, variants=variants)
    if is_timed(found) and found.judgement is None:
        run = yield from judge_alone(workspace, known, found)
    else:
        run = choose_again(workspace, known, found)
    write_measured(workspace, run, found.id, measured)
    return run


def prove_alone_s(workspace: Workspace, facts: RunFacts, variant: Variant) -> float | None:
    """About how many seconds `prove_alone` takes; None where too little is known of the original."""
    answers_s = alone_s(workspace, facts, variant) if variant.judgement is None else 0.0
    if answers_s is None or is_timed(variant):
        return answers_s
    costs = [cost_in_turn(one.measurement.load_ms, one.measurement.typical_ms) for one in (facts.baseline, variant)]
    return answers_s + in_turn_s(costs)
