"""Decide whether a bundle includes the original, to use where the version is slower or fails."""

from app.domain.variant import Variant
from app.services.records.facts import RunFacts
from app.services.run.version_steps import stored_version
from workers.contracts.specs import DescribedTarget, RunParams

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


def fallback_of(facts: RunFacts) -> RunParams:
    """Return the original as it was judged; raise `JobError` if its files are gone."""
    return RunParams(**stored_version(facts, facts.baseline).parameters())
