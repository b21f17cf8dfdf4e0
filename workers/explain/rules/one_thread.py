"""Operators that run on one thread although more are allowed."""

from workers.contracts.after.changes import Layer, Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts


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


def _explain(facts: SpeedFacts) -> Reason:
    if _fewer(facts):
        text = _("The second model runs with {0}, the first with {1}.")
        text = text.format(counted(facts.second.threads, "thread"), facts.first.threads)
        return facts.reason(text, _("Allow as many threads as the first model has."))
    text = _("Only one thread, although {0} are allowed, computes {1}.")
    text = text.format(facts.second.threads, counted(len(facts.groups), "operator"))
    return facts.reason(text, _("Use operators that the engine splits over threads, or another engine."))


RULE = Rule("one_thread", _explain, _belongs, order=100, only_costs=True)
