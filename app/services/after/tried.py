"""What a run tried, read from what is stored about it, with the sentences that explain its result."""

from dataclasses import dataclass

from pydantic import ValidationError

from app.domain.explain import portability, why_int8_lost, why_it_won
from app.domain.tried import Tried, tried_rows
from app.persistence import Repositories
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from app.services.run.forecasting import Forecasts, RunForecast, machine_name
from workers.contracts.jobs import PlanResult
from workers.contracts.specs import DeviceFacts


@dataclass(frozen=True)
class TriedRun:
    """`why` explains the choice, `eights` why 8 bits are not it, `elsewhere` what to expect of other processors."""

    rows: tuple[Tried, ...]
    why: tuple[str, ...]
    eights: tuple[str, ...]
    elsewhere: tuple[str, ...]
    forecast: RunForecast


def tried_run(space: Workspace, facts: RunFacts) -> TriedRun:
    """The whole way of one run."""
    run, repositories = facts.run, space.repositories
    plan = PlanResult.model_validate_json(run.plan_json) if run.plan_json else None
    steps = repositories.runs.steps(run.id)
    device = machine_of(repositories, run.id)
    return TriedRun(
        rows=tried_rows(plan, facts.variants, steps, run.recommended_variant_id, run.goal.max_loss_pct),
        why=why_it_won(facts.recommended, facts.variants),
        eights=why_int8_lost(facts.recommended, facts.variants, device),
        elsewhere=portability(facts.recommended, facts.variants, device),
        forecast=Forecasts(repositories, machine_name()).of_run(run.id),
    )


def machine_of(repositories: Repositories, run_id: str) -> DeviceFacts | None:
    """On what a run measured; None for one of an older version of the program."""
    try:
        return DeviceFacts.model_validate(repositories.settings.get(f"machine:{run_id}"))
    except ValidationError:
        return None
