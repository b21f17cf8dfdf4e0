"""Facts about the speed of two models that were measured in turns, and the form of the rules that explain them."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from workers.contracts.after.changes import ChangedNode, Layer, Reason
from workers.contracts.translation import _, joined, mark
from workers.explain.graph import ModelGraph
from workers.explain.groups import Group, main_layer
from workers.explain.kinds import ROUNDING, family_of
from workers.explain.wording import kinds_of, ms
from workers.infer.processor import Arithmetic
from workers.tune.timing_runs import Profile

SIGMAS = 3.0
"""A difference counts if it exceeds so many standard errors of its median over the turns."""

CLOCK_MS = 0.001
"""Precision of the engines' times of layers, which ONNX Runtime and OpenVINO count in whole microseconds."""

ERROR_OF_MEDIAN = 1.2533 / 1.349
"""Standard error of the median of n normal values, as a multiple of their interquartile range / √n."""


@dataclass(frozen=True)
class SpeedFacts:
    """All that was measured about the time of two models.

    Attributes:
        nodes: Operators of both models with their times.
        second_graph: The second model's graph.
        first: Profile of the first model; `second` is the other one's, run in turns with it.
        fixed: Profile of the model that alone takes inputs of any size, built for the size of this request.
        fast: Number formats for which the processor has its own instructions; None if that is unknown.
        runtimes: Both engines.
        groups: Groups of operators; a rule gets those that belong to it.
        all_groups: All groups of the models.
        code: Code of the rule that got the groups.
    """

    nodes: tuple[ChangedNode, ...]
    second_graph: ModelGraph
    first: Profile
    second: Profile
    runtimes: tuple[str, str]
    groups: tuple[Group, ...]
    all_groups: tuple[Group, ...] = ()
    fixed: Profile | None = None
    fast: frozenset[Arithmetic] | None = None
    code: str = ""

    @property
    def layers(self) -> tuple[list[Layer], list[Layer]]:
        """Return the layers of the groups in the first model and in the second."""
        groups = self.groups
        return [one for group in groups for one in group.first], [one for group in groups for one in group.second]

    @property
    def spent_ms(self) -> tuple[float, float]:
        """Return the milliseconds of the groups in the first model and in the second."""
        first, second = self.layers
        return sum(layer.ms for layer in first), sum(layer.ms for layer in second)

    @property
    def saved_ms(self) -> float:
        """Return the milliseconds that the groups save in the second model."""
        return self.spent_ms[0] - self.spent_ms[1]

    @property
    def differ(self) -> bool:
        """Return whether some operator runs in one model only, or in another number format or implementation."""
        return any(
            not (group.first and group.second)
            or group.precisions[0] != group.precisions[1]
            or main_layer(group.first).kernel != main_layer(group.second).kernel
            for group in self.all_groups
        )

    def reason(self, text: str, advice: str = "", saved_ms: float | None = None) -> Reason:
        """Return a reason about the groups, of a sentence and what it saves or costs.

        Args:
            text: The sentence.
            advice: What would help, where time is lost.
            saved_ms: Milliseconds that the second model saves; by default those of the groups.
        """
        saved_ms = self.saved_ms if saved_ms is None else saved_ms
        effect = (_("This saves {0}.") if saved_ms > 0 else _("This costs {0}.")).format(ms(abs(saved_ms)))
        advice = advice if saved_ms < 0 else ""
        return Reason(code=self.code, text=joined([text, effect]), advice=advice, nodes=self.names, saved_ms=saved_ms)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all operators of the groups."""
        return tuple(name for group in self.groups for name in group.names)

    @cached_property
    def rounded_in_vain(self) -> frozenset[str]:
        """Return operators that round values in a request for heavy ones that do not compute in 8 bits, and these."""
        heavy = [group for group in self.groups if group.family and group.precisions[1] not in ("int8", "")]
        precise = {name for group in heavy for name in group.names}
        only = [group for group in self.groups if not group.first]
        kinds = {name: {layer.kind for layer in group.second} for group in only for name in group.names}
        found: set[str] = set()
        readers: dict[str, set[str]] = defaultdict(set)
        for node in reversed(self.second_graph.nodes):
            reached = {node.name} & precise if family_of(node.op) else set[str]()
            if node.op in ROUNDING:
                reached = {name for value in node.outputs for name in readers[value]}
                if reached and kinds.get(node.name, set()) & ROUNDING:
                    found |= {node.name, *reached}
            for value in node.inputs if reached else ():
                readers[value] |= reached
        return frozenset(found)

    @cached_property
    def names_if_fixed(self) -> frozenset[str]:
        """Return the names of the layers that remain when the program with free sizes is built for this size."""
        return frozenset(layer.name for layer in self.fixed.layers) if self.fixed is not None else frozenset()

    @cached_property
    def least_split(self) -> float:
        """Return the smallest number of values for which the second model's engine splits the work over threads."""
        sizes = [layer.values for layer in self.second.layers if layer.parallel and layer.values]
        return min(sizes, default=float("inf"))

    @property
    def outside_ms(self) -> tuple[float, float]:
        """Return the milliseconds of a request of each model outside of its layers: the medians over its turns.

        On a busy computer they are 0, because waiting for a core looks the same.
        """
        if self.second.disturbed or not self.second.outside_ms:
            return 0.0, 0.0
        return statistics.median(self.first.outside_ms), statistics.median(self.second.outside_ms)

    @cached_property
    def noise_ms(self) -> float:
        """Return the standard error of the difference between both models' sums of layers."""
        pairs = zip(self.first.turns_ms, self.second.turns_ms, strict=False)
        return error_ms([sum(a.values()) - sum(b.values()) for a, b in pairs])

    def is_sure(self) -> bool:
        """Return whether the time that the groups save is more than what differs between turns."""
        first, second = ([layer.name for layer in layers] for layers in self.layers)
        pairs = zip(self.first.turns_ms, self.second.turns_ms, strict=False)
        saved = [sum(a.get(name, 0.0) for name in first) - sum(b.get(name, 0.0) for name in second) for a, b in pairs]
        clock_ms = CLOCK_MS * (len(first) + len(second)) ** 0.5
        return exceeds_noise(saved) and abs(self.saved_ms) > max(self.noise_ms, clock_ms)


def error_ms(values_ms: Sequence[float]) -> float:
    """Return the standard error of the median; infinite for fewer than four values, whose spread says too little."""
    if len(values_ms) < 4:
        return float("inf")
    low, _median, high = statistics.quantiles(values_ms, n=4, method="inclusive")
    return float(ERROR_OF_MEDIAN * (high - low) / len(values_ms) ** 0.5)


def exceeds_noise(values_ms: Sequence[float]) -> bool:
    """Return whether the median of repeated measurements differs from 0 by more than their spread explains."""
    return bool(values_ms) and abs(statistics.median(values_ms)) > SIGMAS * error_ms(values_ms)


@dataclass(frozen=True)
class Rule:
    """One possible reason.

    Attributes:
        id: Its code in `Reason`.
        explain: Return the reason, or None if the facts show none. The facts hold only the groups that belong to it.
        belongs: Whether a group's difference is explained by this rule; None for rules about whole requests.
        order: Rules with a lower number choose their groups first.
        checks_noise: Whether the rule decides by itself whether a difference exceeds the noise.
        only_costs: Whether it explains lost time alone.
    """

    id: str
    explain: Callable[[SpeedFacts], Reason | None]
    belongs: Callable[[Group, SpeedFacts], bool] | None = None
    order: int = 0
    checks_noise: bool = False
    only_costs: bool = False


LAYERS = mark("Layers that compute the same: {0:,} in the first model, {1:,} in the second.")


def numbers_of_layers(text: str, advice: str = "") -> Callable[[SpeedFacts], Reason]:
    """Return what explains groups by the numbers of their layers.

    Args:
        text: The sentence, of the number in the first model, that in the second, and the kinds of layers.
        advice: What would help, where time is lost.
    """

    def explain(facts: SpeedFacts) -> Reason:
        first, second = facts.layers
        return facts.reason(_(text).format(len(first), len(second), kinds_of([*first, *second])), _(advice))

    return explain
