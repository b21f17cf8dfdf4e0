"""Decide whether a version can be exported with one click, without questions or warnings."""

from collections.abc import Sequence

from app.domain.choose import is_safe
from app.domain.variant import Variant
from app.services.after.fitting import fitting
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts
from workers.contracts.specs import DescribedTarget


def target_at_once(
    targets: Sequence[DescribedTarget], last_id: str, facts: RunFacts, wanted: Variant
) -> DescribedTarget | None:
    """Return the target to export `wanted` to at once, or None if a person must decide or read something first.

    That is the last chosen target, else the first available one. A person must decide on a version that is not proven
    safe, and on terms of the model that restrict passing it on. The same holds for a target that is unavailable, takes
    another version or has a required question.
    """
    target = next((row for row in targets if row.id == last_id), None)
    if target is None:
        target = next((row for row in targets if row.available), None)
    if target is None or not target.available or not is_safe(wanted) or _has_terms(facts):
        return None
    if any(question.needed for question in target.questions):
        return None
    try:
        fit = fitting(target, facts, wanted)
    except JobError:
        return None
    return target if fit.instead_of is None else None


def _has_terms(facts: RunFacts) -> bool:
    """Return whether the model's terms may forbid passing it on: stated ones, or a hub model without any.

    A person's own file without stated terms raises no question.
    """
    verdict = facts.verdict
    if verdict is None or (facts.origin is None and not verdict.title and verdict.copies):
        return False
    return not verdict.for_business or not verdict.copies
