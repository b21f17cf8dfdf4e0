"""The whole way of a run as rows: what was tried, why, what it gave, and why it was dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.domain.choose import is_alike_not_proven, is_regressed, is_safe, is_slower
from app.domain.run import StepRecord
from app.domain.variant import Variant
from app.domain.words.results import is_measured_words, verdict_words, why_not
from workers.contracts.jobs import PlanResult

Outcome = Literal["original", "recommended", "held", "untested", "dropped", "skipped", "left_out"]


@dataclass(frozen=True)
class Tried:
    """One row. `variant` is None for what was never begun. `because` says why it is not the recommended one.

    `seconds` is what trying it took, `measured` when, where that was not in this run.
    """

    title: str
    why: str
    outcome: Outcome
    because: str = ""
    variant: Variant | None = None
    verdict: str = ""
    seconds: float | None = None
    measured: str = ""


def tried_rows(
    plan: PlanResult | None,
    variants: Sequence[Variant],
    steps: Sequence[StepRecord],
    recommended_id: str | None,
    limit_pct: float,
) -> tuple[Tried, ...]:
    """In the order in which it was tried; after it what could not work here, with its reason."""
    by_step = {step.title: step for step in steps}
    rows = [_row(v, by_step, recommended_id, limit_pct) for v in sorted(variants, key=lambda v: v.index)]
    begun = {variant.title for variant in variants}
    for recipe in plan.candidates if plan is not None else ():
        step = by_step.get(recipe.title)
        if recipe.title not in begun and step is not None:
            rows.append(Tried(recipe.title, recipe.why, "skipped", _begun(step.detail) or "It was not begun."))
    for dropped in plan.dropped if plan is not None else ():
        rows.append(Tried(dropped.title, "", "left_out", dropped.reason.text))
    return tuple(rows)


def _row(variant: Variant, steps: Mapping[str, StepRecord], recommended_id: str | None, limit_pct: float) -> Tried:
    step = steps.get("Measure the original" if variant.is_baseline else variant.title)
    seconds = step.seconds if step is not None else None
    when = next((note for note in variant.notes if is_measured_words(note)), "")
    why = variant.recipe.why
    if variant.is_baseline:
        return Tried(variant.title, why, "original", "", variant, "", seconds, when)
    verdict = verdict_words(variant)
    if variant.id == recommended_id:
        return Tried(variant.title, why, "recommended", "", variant, verdict, seconds, when)
    outcome = _outcome(variant)
    because = why_not(variant, limit_pct)
    if because == verdict:
        because = "" if outcome in ("held", "untested") else "Its answers are not shown to be like the original's."
    if outcome in ("held", "untested") and not because:
        if not variant.is_side_by_side:
            because = "It was only looked at first, not measured side by side with the others."
        elif recommended_id:
            because = "Another one is faster."
    return Tried(variant.title, why, outcome, because, variant, verdict, seconds, when)


def _outcome(variant: Variant) -> Outcome:
    """Of a version that is not recommended."""
    if variant.state == "dropped" or is_regressed(variant):
        return "dropped"
    if is_safe(variant) or is_alike_not_proven(variant):
        return "held"
    return "untested" if variant.judgement is None and not is_slower(variant) else "dropped"


def _begun(detail: str) -> str:
    """The step's words as a sentence."""
    text = detail.strip()
    known = {"not needed": "Not needed: what it mends did not go wrong, or could not win."}
    return known.get(text, f"{text[:1].upper()}{text[1:]}." if text else "")
