"""How a run is closed: what is recommended, why the others are not, and the sentence above it all."""

import dataclasses

from app.domain.choose import choose, may_win, needs_quiet
from app.domain.run import RunState
from app.domain.words import MEASURE_AGAIN, headline, time_up, why_not
from app.services.search import Search


def close(search: Search, planned: int) -> None:
    """Choose and write it down. `planned` ways were to be tried."""
    recorder, limit = search.recorder, search.goal.max_loss_pct
    tried = [variant for variant in recorder.variants.values() if not variant.is_baseline]
    choice = choose([variant for variant in tried if variant.state == "confirmed"], search.ask.objective)
    for variant in tried:
        if choice.variant is None or variant.id != choice.variant.id:
            reason = why_not(variant, limit)
            if reason not in variant.notes and (needs_quiet(variant) or not may_win(variant)):
                recorder.variant(dataclasses.replace(variant, notes=(*variant.notes, reason)))
    words = headline(choice.variant, tried, choice.proven, limit)
    if choice.variant is None and search.skipped:
        words = time_up(sum(1 for variant in tried if variant.measurement.n), planned)
    if choice.busy:
        words = MEASURE_AGAIN
    recorder.end(
        RunState.FINISHED if choice.variant else RunState.KEPT_ORIGINAL,
        headline=words,
        recommended_variant_id=choice.variant.id if choice.variant else None,
    )
