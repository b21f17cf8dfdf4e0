"""Explain why the second of two models is faster or slower, by rules on what was measured in turns."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from operator import not_

from workers.contracts.after.changes import ChangedNode, Reason
from workers.evaluate.kinds import kinds_in
from workers.explain import rules
from workers.explain.graph import ModelGraph
from workers.explain.groups import groups_of
from workers.explain.speed import SpeedFacts
from workers.explain.times import placed_layers, with_times
from workers.infer import processor
from workers.tune.timing_runs import Profile


def facts_of(
    nodes: Sequence[ChangedNode],
    graphs: tuple[ModelGraph, ModelGraph],
    profiles: tuple[Profile, Profile, Profile | None],
    runtimes: tuple[str, str],
) -> SpeedFacts:
    """Return all facts for the rules; `profiles` are those of `workers.tune.layers.profile_in_turns`."""
    first, second, fixed = profiles
    rows, placed = placed_layers(nodes, graphs, (first.layers, second.layers))
    groups = groups_of(nodes, graphs, placed)
    flags = processor.flags()
    fast = None if flags is None else processor.fast(processor.names_of(flags))
    if fast is not None and not processor.has_int8():
        fast -= {"int8"}
    return SpeedFacts(with_times(rows, placed), graphs[1], first, second, runtimes, groups, groups, fixed, fast)


def reasons(facts: SpeedFacts) -> tuple[Reason, ...]:
    """Return why the second model is faster or slower, the largest difference first.

    Each group belongs to one rule at most, so that no time is explained twice.
    """
    found: list[Reason] = []
    left = facts.groups
    for rule in kinds_in(rules, "RULE"):
        belongs = [rule.belongs is not None and rule.belongs(group, facts) for group in left]
        own = replace(facts, groups=tuple(compress(left, belongs)), code=rule.id)
        left = tuple(compress(left, map(not_, belongs)))
        checks_itself = rule.checks_noise or rule.belongs is None
        if (rule.only_costs and own.saved_ms > 0) or not (checks_itself or (own.groups and own.is_sure())):
            continue
        if (reason := rule.explain(own)) is not None:
            found.append(reason)
    return tuple(sorted(found, key=lambda reason: -abs(reason.saved_ms or 0.0)))
