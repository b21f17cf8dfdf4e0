"""State how certain a version's speed is, for the model card of a bundle."""

import math

from app.domain.choose import Objective, is_gain
from app.domain.variant import Variant
from workers.contracts.bundles import SpeedFacts


def speed_facts(variant: Variant, objective: Objective) -> SpeedFacts:
    """Return how certain the speed of a version is, in agreement with the pages."""
    measured = variant.measurement
    if variant.is_baseline or not measured.n:
        return SpeedFacts()
    if not variant.is_side_by_side:
        return SpeedFacts(state="first_look")
    if not measured.under_load:
        return SpeedFacts()
    if not is_gain(variant, objective) or measured.agreed_low is None:
        return SpeedFacts(state="not_settled")
    return SpeedFacts(state="at_least", at_least=math.floor(100 * measured.agreed_low) / 100)
