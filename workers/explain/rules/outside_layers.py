"""Time of a request that passes outside of all operators."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.explain.speed import Rule, SpeedFacts, exceeds_noise
from workers.explain.wording import ms


def _explain(facts: SpeedFacts) -> Reason | None:
    """Return by how much the time between the operators differs, unless free sizes explain it already."""
    first, second = facts.outside_ms
    saved_ms = [a - b for a, b in zip(facts.first.outside_ms, facts.second.outside_ms, strict=False)]
    if facts.fixed is not None or not facts.differ or not exceeds_noise(saved_ms):
        return None
    # other programs were busy, or the profiler made the layers so slow that they fill the whole request
    if not (first and second):
        return None
    text = _("Starting operators and handing over values takes {0} of each request, {1} in the first model.")
    advice = _("Fuse operators, or send several items in one request.")
    return facts.reason(text.format(ms(second), ms(first)), advice, first - second)


RULE = Rule("outside_layers", _explain, order=160)
