"""Time of a request that passes outside of all operators."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.speed import Rule, SpeedFacts, exceeds_noise
from workers.explain.wording import cost_or_save, ms


def _explain(facts: SpeedFacts) -> Reason | None:
    """Return by how much the time between the operators differs, unless free sizes explain it already."""
    first, second = facts.outside_ms
    if facts.fixed is not None or not facts.differ or not exceeds_noise(facts.outside_saved_ms):
        return None
    if not (first and second):  # the profiler made the layers so slow that they fill the whole request
        return None
    return Reason(
        code=RULE.code,
        text=_(
            "Starting operators and handing over values {0}: {1} of each request pass outside of the operators, "
            "{2} in the first model."
        ).format(cost_or_save(first - second, one=True), ms(second), ms(first)),
        advice="Fuse operators, or send several items in one request." if second > first else "",
        saved_ms=first - second,
    )


RULE = Rule("outside_layers", _explain, order=160)
