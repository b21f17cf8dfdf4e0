"""What a search keeps of its time, beside its run, and the outcome that follows from it."""

from collections.abc import Sequence

from pydantic import ValidationError

from app.domain.outcome import Outcome, SearchEnd, outcome_of
from app.domain.run import Run
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.records.run_plan import kept_objective


def read_end(repositories: Repositories, run_id: str) -> SearchEnd:
    """What was kept of this run; nothing where it is one of another version of the program."""
    try:
        return SearchEnd.model_validate(repositories.settings.get(_key(run_id)) or {})
    except ValidationError:
        return SearchEnd()


def write_end(repositories: Repositories, run_id: str, end: SearchEnd) -> None:
    """Keep it in place of what was there."""
    repositories.settings.put(_key(run_id), end.model_dump(mode="json"))


def outcome_of_run(run: Run, variants: Sequence[Variant], end: SearchEnd) -> Outcome:
    """How a run ended, by what is stored about it."""
    return outcome_of(variants, kept_objective(run), end)


def _key(run_id: str) -> str:
    return f"search:{run_id}"
