"""Close a run: choose the recommendation, give reasons for the other versions, and write the headline."""

import dataclasses

from app.domain.choose import can_be_measured_on, may_win, needs_quiet
from app.domain.outcome import Ending, outcome_of
from app.domain.run import RunState
from app.domain.words.outcome import headline
from app.domain.words.results import why_not
from app.services.run.search import Search


def close(search: Search) -> None:
    """Choose the recommended version and record the end of the run."""
    recorder, limit, objective = search.recorder, search.goal.max_loss_pct, search.ask.objective
    versions = list(recorder.variants.values())
    first = outcome_of(versions, objective, search.end)
    open_ids = [version.id for version in first.open if can_be_measured_on(version)]
    open_ids += [version.id for version in first.untested if version.untested == "no_time"]
    left_s = search.clock.left_s
    end = search.save(
        more_s=search.clock.more_s(search.end.untried, open_ids), spare_s=None if left_s is None else max(0.0, left_s)
    )
    outcome = outcome_of(versions, objective, end)
    if outcome.ending is Ending.BUSY:
        end = search.save(busy_tries=recorder.busy_tries_before + 1, disturbed_by=recorder.disturbed_by)
        outcome = outcome_of(versions, objective, end)
    for variant in versions:
        if variant.is_baseline or variant is outcome.best:
            continue
        reason = why_not(variant, limit, objective)
        is_untested = variant.screening is not None and variant.screening.untested != ""
        if needs_quiet(variant, objective) or not may_win(variant) or is_untested:
            recorder.variant(dataclasses.replace(variant, notes=tuple(dict.fromkeys((*variant.notes, reason)))))
    recorder.end(
        RunState.FINISHED if outcome.is_recommended else RunState.KEPT_ORIGINAL,
        headline=headline(outcome, objective, limit),
        recommended_variant_id=outcome.best.id if outcome.best else None,
    )
