"""The same operators on larger or smaller inputs, for example because of padding."""

from workers.contracts.after.changes import Reason
from workers.explain.groups import Group, main_layer
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import cost_or_save


def _values(group: Group) -> tuple[int | None, int | None]:
    return main_layer(group.first).values, main_layer(group.second).values


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether both models compute the same operators and the number of values differs."""
    first, second = _values(group)
    kept = all(row.status in ("unchanged", "rounded", "fused") for row in group.rows)
    return kept and bool(first and second) and first != second and bool(group.rows)


def _explain(facts: SpeedFacts) -> Reason:
    pairs = [_values(group) for group in facts.groups]
    first, second = sum(a or 0 for a, _ in pairs), sum(b or 0 for _, b in pairs)
    more = second > first
    words = f"{second / first:.1f} times as many values" if more else f"only 1/{first / second:.1f} of the values"
    return facts.reason(
        RULE.code,
        f"The same operators compute {words}, which {cost_or_save(facts.saved_ms, one=True)}.",
        "Use inputs of the size that the data needs, or pad to the next of a few sizes." if more else "",
    )


RULE = Rule("larger_inputs", _explain, _belongs, order=50)
