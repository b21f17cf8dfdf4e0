"""Index of one graph, and the pairs of operators that were found."""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator

from workers.explain.graph import ModelGraph, Node
from workers.explain.matching.operators import PASSING, kind_of

FARTHEST = 64
"""Longest chain of operators that pass a value on."""
MOST_USERS = 512
"""Most users of a value that are looked at."""
LOOKS = 100
"""Most looks at a neighbor for each operator and connection, so that the time grows with the file and not its square.

Ordinary graphs take a tenth. Afterwards no neighbors are found, and what has no pair yet is unmatched.
"""

SUFFIXES = re.compile(
    r"(_quant|_quantized|_QuantizeLinear(_Input|_Output)?|_DequantizeLinear(_Input|_Output)?|_QuantizeInput|_fp16|_bf16|_f16"
    r"|_Q[48](G\d+)?|/fused|/fused_weights_decompression|/WithoutBiases|/fq_\w+|/compressed"
    r"|_output_0|:0|_token_\d+|_nhwc|_NhwcFusedConv|_MatMulInteger|_original_output)$"
)


def stem(name: str) -> str:
    """Return a name without the endings that quantizers and optimizers add."""
    while (short := SUFFIXES.sub("", name)) != name and short:
        name = short
    return name


def alone(places: Iterable[int], key: Callable[[int], Hashable]) -> dict[Hashable, int]:
    """Return {key: node} of the keys that exactly one of these nodes has; None is no key."""
    groups: dict[Hashable, list[int]] = {}
    for place in places:
        groups.setdefault(key(place), []).append(place)
    return {name: members[0] for name, members in groups.items() if name is not None and len(members) == 1}


def weight_stem(name: str) -> str:
    """Return a weight's name as the one who trained it wrote it: without what exporters of language models add."""
    return stem(name.removeprefix("weight:").split("|")[0]).replace("self_attn.", "attn.").replace(".MatMul", "")


class Side:
    """Index of one graph; ids are positions of nodes, and the inputs of the model are -1, -2 and so on.

    Attributes:
        kinds: Kind of each node.
        sources: Ids of what each node reads, in order.
        users: Nodes that read each id.
        partner: {id: id in the other graph} of matched ones.
    """

    def __init__(self, graph: ModelGraph) -> None:
        """Index `graph`."""
        self.nodes: tuple[Node, ...] = graph.nodes
        self.graph = graph
        self.kinds = [kind_of(node.op) for node in graph.nodes]
        self.maker = {value: -1 - place for place, value in enumerate(graph.inputs)}
        self.maker |= {value: place for place, node in enumerate(graph.nodes) for value in node.outputs}
        self.sources = [[self.maker[one] for one in node.inputs if one in self.maker] for node in graph.nodes]
        self.users: dict[int, list[int]] = {}
        for place, sources in enumerate(self.sources):
            for source in dict.fromkeys(sources):
                self.users.setdefault(source, []).append(place)
        self.outputs = [self.maker.get(value) for value in graph.outputs]
        self.partner: dict[int, int] = {}
        self.looks_left = LOOKS * sum(1 + len(sources) for sources in self.sources)

    def passes(self, one: int, skip: frozenset[str] = frozenset()) -> bool:
        """Return whether an id is an unmatched node that passes a value on, or of the kinds `skip`."""
        return one >= 0 and one not in self.partner and (self.kinds[one] in PASSING or self.kinds[one] in skip)

    def root(self, one: int, skip: frozenset[str] = frozenset()) -> int:
        """Return the id whose value `one` passes on, also through unmatched nodes of the kinds `skip`, or `one`."""
        for _ in range(FARTHEST):
            self.looks_left -= 1
            if not self.passes(one, skip) or not self.sources[one]:
                return one
            one = self.sources[one][0]
        return one

    def roots(self, place: int, skip: frozenset[str] = frozenset()) -> list[int]:
        """Return the ids that a node reads, through the same as `root`."""
        return [self.root(source, skip) for source in self.sources[place]] if self.looks_left > 0 else []

    def readers(self, one: int, skip: frozenset[str] = frozenset()) -> Iterator[int]:
        """Yield nodes that read an id, through those that pass its value on and unmatched ones of the kinds `skip`."""
        seen, stack = {one}, list(self.users.get(one, ())[:MOST_USERS])
        while stack and len(seen) < MOST_USERS and self.looks_left > 0:
            self.looks_left -= 1
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            if self.passes(place, skip):
                stack += self.users.get(place, ())[:MOST_USERS]
            if not self.passes(place):
                yield place
