"""Operators that run on one thread although more are allowed."""

from workers.contracts.after.changes import Layer, Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts
from workers.explain.wording import ms


def _fewer(facts: SpeedFacts) -> bool:
    return facts.second.threads < facts.first.threads


def _unsplit(layers: tuple[Layer, ...], facts: SpeedFacts) -> list[Layer]:
    """Return layers on one thread with at least as many values as the smallest one that the engine does split."""
    return [layer for layer in layers if layer.parallel is False and (layer.values or 0) >= facts.least_split]


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    """Return whether the second model computes the group on fewer threads, with values enough to split."""
    if _fewer(facts):
        return bool(group.first and group.second)
    return bool(_unsplit(group.second, facts)) and not _unsplit(group.first, facts)


def _explain(facts: SpeedFacts) -> Reason | None:
    if facts.saved_ms > 0:
        return None
    allowed = max(facts.first.threads, facts.second.threads)
    if _fewer(facts):
        text, used = _("The second model runs with {0}, the first with {1}: {2} more."), facts.second.threads
        text = text.format(counted(used, "thread"), allowed, ms(-facts.saved_ms))
        advice = _("Allow as many threads as the first model has.")
    else:
        text = _("Only one thread, although {0} are allowed, computes {1}: {2} more.")
        text = text.format(allowed, counted(len(facts.groups), "operator"), ms(-facts.saved_ms))
        advice = _("Use operators that the engine splits over threads, or another engine.")
    return facts.reason(text, advice)


RULE = Rule("one_thread", _explain, _belongs, order=100)
