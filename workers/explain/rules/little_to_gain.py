"""Models so small that most of a request passes outside of their operators."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import percent
from workers.explain.speed import Rule, SpeedFacts


def _explain(facts: SpeedFacts) -> Reason | None:
    """Return that faster operators gain little, if most of the time is not theirs and some were made to be faster."""
    inside_ms, outside_ms = sum(layer.ms for layer in facts.second.layers), facts.outside_ms[1]
    if not facts.differ or inside_ms >= outside_ms:
        return None
    text = _("The model is small: {0} of a request pass outside of its operators, so faster operators gain little.")
    text = text.format(percent(outside_ms / (inside_ms + outside_ms), 0))
    return Reason(code=facts.code, text=text, advice=_("Send several items in one request."))


RULE = Rule("little_to_gain", _explain, order=170)
