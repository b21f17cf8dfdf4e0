"""Store the state of a run's search, and derive the outcome from it."""

from collections.abc import Sequence

from app.domain.outcome import Outcome, SearchEnd, outcome_of
from app.domain.record import Owner, RecordKind
from app.domain.run import Run
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.records.run_plan import saved_objective

SEARCH_END = RecordKind("search", Owner.RUN, SearchEnd)


def read_end(repositories: Repositories, run_id: str) -> SearchEnd:
    """Return the stored state of this run, empty for a run of an older program version."""
    return repositories.records.get(SEARCH_END, run_id) or SearchEnd()


def write_end(repositories: Repositories, run_id: str, end: SearchEnd) -> None:
    """Store the state in place of the earlier one."""
    repositories.records.put(SEARCH_END, run_id, end)


def outcome_of_run(run: Run, variants: Sequence[Variant], end: SearchEnd) -> Outcome:
    """Return how a run ended, by its stored facts."""
    return outcome_of(variants, saved_objective(run), end)
