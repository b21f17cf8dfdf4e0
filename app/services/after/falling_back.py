"""Whether a bundle holds the original besides: it runs where the version turns out slower, or not at all."""

from app.domain.variant import Variant
from app.services.records.facts import RunFacts
from app.services.run.version_steps import stored_version
from workers.contracts.bundles import Fallback
from workers.contracts.specs import DescribedTarget

RUNTIMES = ("onnxruntime-cpu",)
"""In which originals run that any computer can run."""

USUAL_BYTES = 100_000_000
"""An original of up to so many bytes comes along unless the person says otherwise: most downloads are larger."""


def fallback_bytes(target: DescribedTarget, facts: RunFacts, variant: Variant) -> int | None:
    """How much the original adds to a bundle of this version, None where it cannot come along or is the version."""
    original = facts.baseline
    if not target.falls_back or variant.is_baseline or original.runtime not in RUNTIMES:
        return None
    return original.size_bytes


def falls_back_usually(target: DescribedTarget, facts: RunFacts, variant: Variant) -> bool:
    """Whether it comes along where the person says nothing."""
    size_bytes = fallback_bytes(target, facts, variant)
    return size_bytes is not None and size_bytes <= USUAL_BYTES


def fallback_of(facts: RunFacts) -> Fallback:
    """The original as it was judged. Raises `JobError` where its files are gone."""
    return Fallback(title=facts.baseline.title, **stored_version(facts, facts.baseline).parameters())
