"""Store a run's plan, machine, findings and state of the search, and derive the outcome."""

import dataclasses
from collections.abc import Sequence

from app.domain.choose import Objective
from app.domain.outcome import Outcome, SearchEnd, outcome_of
from app.domain.record import Owner, RecordKind, parsed
from app.domain.run import Run
from app.domain.variant import Variant
from app.persistence import Repositories
from presets.schema import Preset
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.planning import ByTraits
from workers.contracts.specs import DeviceFacts, Finding, Recipe


class OtherModelRequest(Frozen):
    """The model to judge in place of an original; `runtime` None means its default.

    `pairs` maps the original's inputs and outputs to the other model's ({original: other}) where names differ.
    """

    opening: OpenParams
    runtime: str | None = None
    pairs: dict[str, str] = {}


class RunPlan(Frozen):
    """A run's inputs, stored in its goal; `model` and `data` are None in runs of older program versions.

    With `beside` nothing is searched: this model is proven against the original. With `build_for` engines are built for
    other cards of these architectures.
    """

    recipes: tuple[Recipe, ...]
    objective: Objective
    fresh: bool = False
    model: OpenParams | None = None
    data: DataParams | None = None
    by_traits: tuple[ByTraits, ...] = ()
    beside: OtherModelRequest | None = None
    build_for: tuple[str, ...] = ()


def saved_plan(run: Run) -> RunPlan | None:
    """Return the stored plan, None if there is none or if another program version wrote it."""
    return parsed(RunPlan, run.goal.recipe_json)


def with_plan(run: Run, plan: RunPlan) -> Run:
    """Return the run with the plan in its goal."""
    return dataclasses.replace(run, goal=dataclasses.replace(run.goal, recipe_json=plan.model_dump_json()))


def as_begun(run: Run, preset: Preset) -> Preset:
    """Return the preset with the stored limits and recipes of a run, or unchanged without a plan."""
    plan = saved_plan(run)
    if plan is None:
        return preset
    begun = {"max_loss_pct": run.goal.max_loss_pct, "recipes": plan.recipes, "by_traits": plan.by_traits}
    return preset.model_copy(update=begun)


def saved_objective(run: Run) -> Objective:
    """Return the objective by which a run chooses, "speed" by default."""
    plan = saved_plan(run)
    return plan.objective if plan is not None else "speed"


MACHINE = RecordKind("machine", Owner.RUN, DeviceFacts)
"""Kind of the record of the machine, absent in runs of older program versions and in those without measurements."""


class RunFindings(Frozen):
    """Findings of one run in order, without duplicates."""

    findings: tuple[Finding, ...] = ()


FINDINGS = RecordKind("findings", Owner.RUN, RunFindings)


def read_findings(repositories: Repositories, run_id: str) -> tuple[Finding, ...]:
    """Return the findings of a run, () for a run of an older program version."""
    stored = repositories.records.get(FINDINGS, run_id)
    return stored.findings if stored is not None else ()


def add_finding(repositories: Repositories, run_id: str, finding: Finding) -> None:
    """Store a finding unless it is stored already."""
    known = read_findings(repositories, run_id)
    if finding not in known:
        repositories.records.put(FINDINGS, run_id, RunFindings(findings=(*known, finding)))


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
