"""What a search keeps of its time, beside its run, and the outcome that follows from it."""

from collections.abc import Sequence

from app.domain.outcome import Outcome, SearchEnd, outcome_of
from app.domain.record import Owner, RecordKind
from app.domain.run import Run
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.records.run_plan import kept_objective

SEARCH_END = RecordKind("search", Owner.RUN, SearchEnd)


def read_end(repositories: Repositories, run_id: str) -> SearchEnd:
    """What was kept of this run; nothing where it is one of an older version of the program."""
    return repositories.records.get(SEARCH_END, run_id) or SearchEnd()


def write_end(repositories: Repositories, run_id: str, end: SearchEnd) -> None:
    """Keep it in place of what was there."""
    repositories.records.put(SEARCH_END, run_id, end)


def outcome_of_run(run: Run, variants: Sequence[Variant], end: SearchEnd) -> Outcome:
    """How a run ended, by what is stored about it."""
    return outcome_of(variants, kept_objective(run), end)
