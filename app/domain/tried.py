"""List everything a run tried as rows: what, why, with what result, and why it was dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.domain.choose import Objective
from app.domain.run import StepRecord
from app.domain.standing import Standing, standing_of
from app.domain.variant import Variant
from app.domain.words.results import verdict_words, why_not
from workers.contracts.jobs import PlanResult
from workers.contracts.translation import mark

Outcome = Literal["original", "recommended", "tried", "skipped", "left_out"]


@dataclass(frozen=True)
class TriedRecipe:
    """One row of the list; `variant` is None for a recipe that was never begun.

    `because` says why it is not recommended. `seconds` is the time that it took, and `measured` the date of a
    measurement from another run. `standing` is the version's standing, and `verdict` puts it into words, as on the page
    Compare.
    """

    title: str
    why: str
    outcome: Outcome
    because: str = ""
    variant: Variant | None = None
    verdict: str = ""
    seconds: float | None = None
    measured: datetime | None = None
    standing: Standing | None = None


def tried_rows(
    plan: PlanResult | None,
    variants: Sequence[Variant],
    steps: Sequence[StepRecord],
    recommended_id: str | None,
    limit_pct: float,
    objective: Objective = "speed",
) -> tuple[TriedRecipe, ...]:
    """Return the rows in order of trial, followed by recipes that could not work here, with reasons."""
    by_variant = {step.variant_index: step for step in steps}
    rows = [
        _row(v, by_variant.get(v.index), recommended_id, limit_pct, objective)
        for v in sorted(variants, key=lambda v: v.index)
    ]
    for index, recipe in enumerate(plan.candidates if plan is not None else (), 1):
        step = by_variant.get(index)
        if step is not None and not step.is_begun:
            rows.append(
                TriedRecipe(recipe.title, recipe.why, "skipped", _begun(step.detail) or mark("It was not begun."))
            )
    for dropped in plan.dropped if plan is not None else ():
        rows.append(TriedRecipe(dropped.title, "", "left_out", dropped.reason.text))
    return tuple(rows)


def _row(
    variant: Variant,
    step: StepRecord | None,
    recommended_id: str | None,
    limit_pct: float,
    objective: Objective,
) -> TriedRecipe:
    seconds = step.seconds if step is not None else None
    when = variant.measurement.taken_at
    why = variant.recipe.why
    if variant.is_baseline:
        return TriedRecipe(variant.title, why, "original", "", variant, "", seconds, when)
    standing, verdict = standing_of(variant, objective), verdict_words(variant, objective)
    if variant.id == recommended_id:
        return TriedRecipe(variant.title, why, "recommended", "", variant, verdict, seconds, when, standing)
    because = why_not(variant, limit_pct, objective)
    if because == verdict:
        because = _more_words(variant, standing, has_winner=recommended_id is not None)
    return TriedRecipe(variant.title, why, "tried", because, variant, verdict, seconds, when, standing)


def _more_words(variant: Variant, standing: Standing, *, has_winner: bool) -> str:
    """Return what the words of the standing leave out, "" if nothing."""
    if standing is Standing.NOT_ENOUGH_DATA:
        return mark("Its answers are not shown to be like the original's.")
    if standing not in (Standing.SAFE, Standing.ALIKE, Standing.UNCONFIRMED, Standing.NOT_TESTED):
        return ""
    if not variant.is_side_by_side:
        return mark("It was only looked at first, not measured side by side with the others.")
    return mark("Another one is faster.") if has_winner else ""


def _begun(detail: str) -> str:
    """Return the words of a step as a sentence."""
    text = detail.strip()
    return f"{text[:1].upper()}{text[1:]}." if text else ""
