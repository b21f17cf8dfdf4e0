"""Find channels that can be removed, and remove them along their dependencies.

Source: DepGraph: Towards Any Structural Pruning, arXiv 2301.12900 (torch-pruning). Channels are ranked by how badly the
others can replace them (`interpolation`), or by the magnitude of all weights of their group.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from networkx.utils import UnionFind

from workers.convert.replica.torch_replica import Step, TorchReplica
from workers.prune.interpolation import Importance, moments, stand_in

POINTWISE = frozenset({"Relu", "LeakyRelu", "Elu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softplus", "Gelu"})
POINTWISE |= {"Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Neg", "Abs", "Identity", "Dropout", "Clip", "Cast"}
JOINING = frozenset({"Add", "Sub", "Mul", "Div", "Sum", "Pow", "PRelu"})
SPATIAL = frozenset({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Resize", "Pad"})
ROUND_TO = 8
"""The number of remaining channels is a multiple of this, the width of a vector instruction."""


@dataclass
class _Channels:
    """Tensors that share their channels are in one of `sets`.

    Sets with a tensor in `blocked` must not change, sets with one in `joined` hold the channels of several tensors.
    `layers` are the number, the result and the width of layers whose channels may go.
    """

    sets: UnionFind = field(default_factory=UnionFind)
    blocked: set[str] = field(default_factory=set)
    joined: set[str] = field(default_factory=set)
    layers: list[tuple[int, str, int]] = field(default_factory=list)


def free_layers(twin: TorchReplica) -> list[int]:
    """Return the numbers of the steps whose channels can be reduced, because every reader can follow.

    A layer stays unchanged if its channels reach an output of the model, a product of two inner values (attention), a
    fixed shape, or any operator that mixes channels.
    """
    channels = _Channels(blocked={*twin.inputs, *twin.outputs})
    activations = {step.node.output[0] for step in twin.steps} | set(twin.inputs)
    uses = [name for step in twin.steps for name in step.node.input]
    for number, step in enumerate(twin.steps):
        shared = step.layer is not None and any(uses.count(name) > 1 for name in step.node.input[1:])
        _place(number, step, shared, activations, twin, channels)
    sets = channels.sets
    blocked, joined = ({sets[name] for name in names} for names in (channels.blocked, channels.joined))
    widths: dict[str, set[int]] = defaultdict(set)
    for _, result, width in channels.layers:
        widths[sets[result]].add(width)
    free = {root for root, found in widths.items() if root not in blocked and (root in joined or len(found) == 1)}
    return [number for number, result, _ in channels.layers if sets[result] in free]


def _place(
    number: int, step: Step, shared: bool, activations: set[str], twin: TorchReplica, channels: _Channels
) -> None:
    node, layer = step.node, step.layer
    given = [name for name in node.input if name in activations]
    (result,) = node.output[:1]
    if layer is not None and (layer.kind == "norm" or layer.depthwise):
        channels.sets.union(given[0], result)
        if shared:
            channels.blocked.add(result)
    elif layer is not None and not layer.grouped and not shared:
        channels.layers.append((number, result, layer.given))
    elif layer is None and _follows(step, given, twin):
        channels.sets.union(*given, result)
        if node.op_type == "Concat":
            channels.joined.add(result)
    else:
        channels.blocked |= {*given, result}


def _follows(step: Step, given: list[str], twin: TorchReplica) -> bool:
    """Return whether this operator keeps channels separate and ordered, and its constants can shrink with them."""
    node = step.node
    if node.op_type in POINTWISE or node.op_type in SPATIAL or step.flat:
        return True
    if node.op_type in JOINING:
        return all(along(twin.parameters[name]) is not None for name in node.input if name in twin.parameters)
    if node.op_type == "Flatten":
        return bool(step.attributes.get("axis", 1) == 1)
    if node.op_type == "Concat":
        return bool(step.attributes["axis"] == 1) and len(given) == len(node.input)
    if node.op_type in ("ReduceMean", "ReduceMax", "Squeeze"):
        axes = step.attributes.get("axes")
        if axes is None and len(node.input) > 1 and node.input[1] in twin.module.fixed:
            axes = twin.module.fixed[node.input[1]].tolist()
        return axes is not None and sorted(axes) in ([2, 3], [-2, -1])
    return False


def along(parameter: Any) -> int | None:
    """Return the one axis of a constant that is longer than 1; None where there are several."""
    longer = [axis for axis, size in enumerate(parameter.shape) if size > 1]
    return longer[0] if len(longer) == 1 else None


class Pruner:
    """Removes the least important channels in equal rounds until the given share is gone."""

    def __init__(
        self, twin: TorchReplica, example: list[Any], share: float, rounds: int, by: str, show: Callable[[], None]
    ) -> None:
        """Prepare pruning.

        Args:
            twin: the model in torch, which is changed in place.
            example: one input of the model.
            share: share of the channels to remove.
            rounds: number of equal steps.
            by: "others" ranks channels by how well others can replace them, else by magnitude.
            show: runs the twin on examples.

        Raises:
            ValueError: no layer's channels can be removed.
        """
        import torch_pruning

        free = set(free_layers(twin))
        if not free:
            raise ValueError("no channels may go")
        layers = [(number, step.layer.module) for number, step in enumerate(twin.steps) if step.layer is not None]
        kept = [module for number, module in layers if number not in free]
        known = [(parameter, axis) for parameter in twin.parameters.values() if (axis := along(parameter)) is not None]
        fixed = [parameter for parameter in twin.parameters.values() if along(parameter) is None]
        magnitude = torch_pruning.importance.GroupMagnitudeImportance(p=2)
        self._importance = Importance(magnitude)
        self._twin, self._show = twin, show
        self._layers = [module for _, module in layers]
        self._free = [module for number, module in layers if number in free]
        self._pruner = torch_pruning.pruner.BasePruner(
            twin.module,
            example,
            importance=self._importance if by == "others" else magnitude,
            pruning_ratio=share,
            iterative_steps=rounds,
            round_to=ROUND_TO,
            ignored_layers=[*kept, *fixed],
            unwrapped_parameters=known,
            root_module_types=[type(module) for module in self._free],
            forward_fn=_run,
            output_transform=_floats,
        )

    @property
    def channels(self) -> int:
        """Return the current number of output channels of the layers that can shrink."""
        return sum(layer.given for step in self._twin.steps if (layer := step.layer) and layer.module in self._free)

    def step(self) -> None:
        """Run one round; parameters are new objects afterwards."""
        graph = self._pruner.DG
        readers = [module for module in self._layers if module.weight.ndim > 1 and getattr(module, "groups", 1) == 1]
        known = moments(readers, self._show)
        self._importance.graph, self._importance.moments = graph, known
        for group in self._pruner.step(interactive=True):
            stand_in(group, graph, known)
            group.prune()
        _find_again(self._twin)


def _run(module: Any, example: list[Any]) -> Any:
    return module(*example)


def _floats(answers: Any) -> list[Any]:
    return [answer for answer in answers if answer.grad_fn is not None]


def _find_again(twin: TorchReplica) -> None:
    """Look up constants again, because pruning replaced them in the module."""
    names = list(twin.parameters)
    for name, parameter in zip(names, twin.module.taught, strict=True):
        twin.parameters[name] = parameter
