"""Operators for which the engine has only a slow general implementation."""

from workers.contracts.after.changes import Layer, Reason
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.explain.groups import Group
from workers.explain.speed import Rule, SpeedFacts

GENERAL = ("ref", "aten::_slow")
"""Beginnings of names of general implementations, of OpenVINO and of PyTorch."""


def _general(layers: tuple[Layer, ...]) -> bool:
    return any(layer.kernel.lower().startswith(GENERAL) for layer in layers)


def _belongs(group: Group, facts: SpeedFacts) -> bool:
    return _general(group.second) and not _general(group.first)


def _explain(facts: SpeedFacts) -> Reason:
    kinds = ", ".join(sorted({layer.kind for layer in facts.layers[1] if _general((layer,))}))
    text = _("The engine has only a slow general implementation for {0} ({1}).")
    advice = _("Use an operator that the engine has a fast implementation for, or another engine.")
    return facts.reason(text.format(counted(len(facts.groups), "operator"), kinds), advice)


RULE = Rule("reference_kernels", _explain, _belongs, order=60, only_costs=True)
