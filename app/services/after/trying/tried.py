"""List what a run tried, from its stored facts, with sentences that explain the result."""

from dataclasses import dataclass

from app.domain.record import parsed
from app.domain.tried import TriedRecipe, tried_rows
from app.domain.words.explain import ExplanationFacts, portability, why_it_won
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from app.services.records.run_records import MACHINE, saved_objective
from app.services.run.forecasting import Forecasts, RunForecast
from workers.contracts.jobs import DescribeResult, PlanResult
from workers.contracts.planning import Instructions
from workers.contracts.specs import DeviceFacts


@dataclass(frozen=True)
class TriedRun:
    """Everything that one run tried, for the page and the command.

    `why` explains the choice, and `elsewhere` what to expect on other processors.
    """

    rows: tuple[TriedRecipe, ...]
    why: tuple[str, ...]
    elsewhere: tuple[str, ...]
    forecast: RunForecast


def tried_run(space: Workspace, facts: RunFacts, described: DescribeResult | None = None) -> TriedRun:
    """Return everything that one run tried.

    `described`, if known, adds the techniques of runs that an earlier program version planned.
    """
    run, repositories = facts.run, space.repositories
    plan = parsed(PlanResult, run.plan_json)
    steps = repositories.runs.steps(run.id)
    device = repositories.records.get(MACHINE, run.id)
    return TriedRun(
        rows=tried_rows(
            plan, facts.variants, steps, run.recommended_variant_id, run.goal.max_loss_pct, saved_objective(run)
        ),
        why=why_it_won(facts.recommended, facts.variants),
        elsewhere=portability(facts.recommended, facts.variants, device, known_to(plan, device, described)),
        forecast=Forecasts(repositories).of_run(run.id),
    )


def known_to(plan: PlanResult | None, device: DeviceFacts | None, described: DescribeResult | None) -> ExplanationFacts:
    """Return the facts about techniques and processor from the plan, else from the present description.

    The instruction sets of another processor than the run's are not used.
    """
    traits = {row.id: frozenset[str](row.traits) for row in described.techniques} if described is not None else {}
    instructions: tuple[Instructions, ...] = ()
    if plan is not None:
        traits |= {one.id: frozenset[str](one.traits) for one in plan.techniques}
        instructions = plan.instructions
    if not instructions and described is not None and device is not None:
        instructions = described.instructions if device.features == described.device.features else ()
    return ExplanationFacts(traits, instructions)
