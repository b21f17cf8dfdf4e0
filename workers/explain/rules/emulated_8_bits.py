"""Products in 8 bits on a processor without instructions for them."""

from workers.contracts.after.changes import Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import slower_or_faster


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether only the second model computes the group in 8 bits, and the processor is known to emulate them."""
    first, second = group.precisions
    emulated = facts.fast is not None and "int8" not in facts.fast
    return emulated and bool(group.family) and second == "int8" and first not in ("int8", "")


def _explain(facts: SpeedFacts) -> Reason:
    text = _(
        "This processor has no instructions for products in 8 bits (VNNI), so they are emulated with 16 bits "
        "in {0}: {1}."
    )
    heavy = counted(sum(group.heavy for group in facts.groups), "operator")
    advice = _("Measure it on the processor that will run it, or use 16 or 32 bits on this one.")
    return facts.reason(text.format(heavy, slower_or_faster(*facts.spent_ms)), advice)


RULE = Rule("emulated_8_bits", _explain, _belongs, order=70)
