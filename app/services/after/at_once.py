"""Whether a version can be written with one click: nothing has to be asked or told before."""

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
    """The target that was chosen last, else the first that can be written here, where nothing stands against writing
    `wanted` as it now; None where a person has to see or say something first.

    That is: a version that is not proven safe, a target that is not here, takes another version or has a question that
    needs an answer, terms of the model that stand against passing it on.
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
    """Stated terms that do not allow it for sure, or a model of the hub that states none. Of a person's own file
    nothing is stated, and nobody asks.
    """
    verdict = facts.verdict
    if verdict is None or (facts.origin is None and not verdict.title and verdict.copies):
        return False
    return not verdict.for_business or not verdict.copies
