"""Choose the version for a target, and decide whether a person must confirm and whether the original goes with it."""

from collections.abc import Sequence

from app.domain.choose import (
    best_of,
    is_alike_not_proven,
    is_as_good,
    is_eligible,
    is_gain,
    is_safe,
    looks_like_gain,
    needs_quiet,
)
from app.domain.variant import Variant
from app.services.flow.steps import JobError, Refused
from app.services.records.facts import RunFacts
from app.services.run.version_steps import stored_version
from workers.contracts.bundles import InsteadOf
from workers.contracts.specs import DescribedTarget
from workers.contracts.translation import _, joined, mark


def takes(target: DescribedTarget, facts: RunFacts, variant: Variant) -> bool:
    """Return whether the target's bundles run the version as it was judged; False for a version without a model."""
    if target.runtimes and variant.runtime not in target.runtimes:
        return False
    if target.settings is None:
        return True
    try:
        return set(stored_version(facts, variant).settings) <= set(target.settings)
    except (JobError, OSError, ValueError):
        return False


def fitting(target: DescribedTarget, facts: RunFacts, wanted: Variant) -> Variant:
    """Return `wanted`, or the best proven gain that the target takes, or the original.

    Raises:
        JobError: (exit code 3) The target takes none of them.
    """
    if takes(target, facts, wanted):
        return wanted
    gains = [v for v in facts.made if v.judgement is not None and is_gain(v, "speed") and takes(target, facts, v)]
    best = best_of([v for v in gains if is_safe(v)], "speed")
    if best is None and is_alike_not_proven(wanted):
        best = best_of([v for v in gains if is_alike_not_proven(v)], "speed")
    if best is None and takes(target, facts, facts.baseline):
        best = facts.baseline
    if best is None:
        raise refused_by(
            target, wanted, mark("Neither does it run the original or another proven version of this run."), ""
        )
    return best


def provable(target: DescribedTarget, facts: RunFacts, wanted: Variant) -> Variant | None:
    """Return the best gain without a verdict that the target takes and that would be exported if it were proven.

    Returns None if the target takes `wanted`, or if nothing is left to prove.
    """
    if takes(target, facts, wanted):
        return None
    left = [v for v in facts.made if is_eligible(v) and takes(target, facts, v)]
    best = best_of([v for v in left if v.judgement is None and is_gain(v, "speed")], "speed")
    open_to_both = [v for v in left if v.judgement is None or is_safe(v)]
    undecided = best_of([v for v in open_to_both if may_become_gain(v)], "speed")
    if undecided is not None and (best is None or not is_as_good(best, undecided, "speed")):
        best = undecided
    if best is None:
        return None
    try:
        now = fitting(target, facts, wanted)
    except JobError:
        return best
    return best if now.is_baseline or not is_as_good(now, best, "speed") else None


def may_become_gain(variant: Variant) -> bool:
    """Return whether a version looked faster in a first measurement, or in one that other programs disturbed."""
    is_open = not variant.is_side_by_side or needs_quiet(variant)
    return is_open and not is_gain(variant, "speed") and looks_like_gain(variant, "speed")


def instead_of(target: DescribedTarget, facts: RunFacts, variant: Variant) -> InsteadOf | None:
    """Return the recommended version if this one is exported only because the target cannot take that."""
    best = facts.recommended
    if best is None or best.id == variant.id or takes(target, facts, best):
        return None
    return InsteadOf(id=best.id, title=best.title, runtime=best.runtime)


def check_takes(target: DescribedTarget, facts: RunFacts, variant: Variant) -> None:
    """Raise `JobError` (exit code 3) if the target cannot take a version that was requested by id."""
    if takes(target, facts, variant):
        return
    other = fitting(target, facts, variant)
    raise refused_by(
        target,
        variant,
        "",
        _("Take “{0}” (--variant {1}), or another kind of bundle.").format(_(other.title), other.id),
    )


def refused_by(target: DescribedTarget, variant: Variant, more: str, hint: str) -> JobError:
    """Return the error that names the target's runtimes and the version's."""
    needed = ", ".join(target.runtimes)
    detail = _("“{0}” needs one plain ONNX model that was proven in {1}; “{2}” is none.").format(
        _(target.title), needed, _(variant.title)
    )
    hint = hint or mark("Choose another kind of bundle, for example the Python folder, which takes every version.")
    title = mark("This version does not run in that kind of bundle")
    return Refused("version_not_for_target", title, joined([detail, _(more)]), hint)


def target_at_once(
    targets: Sequence[DescribedTarget], last_id: str, facts: RunFacts, wanted: Variant
) -> DescribedTarget | None:
    """Return the target to export `wanted` to at once, or None if a person must decide or read something first.

    That is the last chosen target, else the first available one. A person must decide on a version that is not proven
    safe, and on terms of the model that restrict passing it on. The same holds for a target that is unavailable, takes
    another version or has a required question.
    """
    last = next((row for row in targets if row.id == last_id), None)
    target = last or next((row for row in targets if row.available), None)
    if target is None or not target.available or not is_safe(wanted) or _has_terms(facts):
        return None
    if any(question.needed for question in target.questions):
        return None
    return target if takes(target, facts, wanted) else None


def _has_terms(facts: RunFacts) -> bool:
    """Return whether the model's terms may forbid passing it on: stated ones, or a hub model without any.

    A person's own file without stated terms raises no question.
    """
    verdict = facts.verdict
    if verdict is None or (facts.origin is None and not verdict.title and verdict.copies):
        return False
    return not verdict.for_business or not verdict.copies


RUNTIMES = ("onnxruntime-cpu",)
"""Runtimes of originals that any computer can run."""

USUAL_BYTES = 100_000_000
"""Largest original in bytes that is included by default; most downloads are larger."""


def fallback_bytes(target: DescribedTarget, facts: RunFacts, variant: Variant) -> int | None:
    """Return the bytes that the original adds to a bundle, None if it cannot be included or is the version itself."""
    original = facts.baseline
    if not target.falls_back or variant.is_baseline or original.runtime not in RUNTIMES:
        return None
    return original.size_bytes


def falls_back_usually(target: DescribedTarget, facts: RunFacts, variant: Variant) -> bool:
    """Return whether the original is included by default."""
    size_bytes = fallback_bytes(target, facts, variant)
    return size_bytes is not None and size_bytes <= USUAL_BYTES
