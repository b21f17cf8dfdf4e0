"""Build a `ModelGraph` operator by operator, alike for all formats."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workers.explain.graph import Node
from workers.explain.graphs.weights import Weight, shortened

MOST_WEIGHTS = 64
"""Largest number of weights that one operator keeps."""


SHAPING = ("reshape", "unsqueeze", "squeeze", "transpose", "broadcast", "expand")
"""Operators that give a constant's numbers other sizes, even if these are computed."""


class Names:
    """Unique names in one graph."""

    def __init__(self) -> None:
        """Create the set of used names, empty at first."""
        self._taken: dict[str, int] = {}

    def unique(self, wanted: str) -> str:
        """Return the wanted name, with a number behind it if it is taken."""
        name = wanted
        while name in self._taken:
            self._taken[wanted] += 1
            name = f"{wanted}#{self._taken[wanted]}"
        self._taken[name] = 1
        return name


class GraphBuilder:
    """Collects the operators of one graph; constants are weights of the operators that read them.

    An operator that unpacks or reshapes a constant (DequantizeLinear of stored weights) is kept, but its weights count
    for the operators that read its output.
    """

    def __init__(self) -> None:
        """Start without any operator."""
        self.nodes: list[Node] = []
        self.names, self.values = Names(), Names()
        self._stored: dict[str, tuple[Weight, ...]] = {}
        self._unpacked: set[str] = set()

    def store(self, value: str, weights: Iterable[Weight]) -> None:
        """Add a constant under the name of its value."""
        self._stored[value] = tuple(weights)

    def is_stored(self, value: str) -> bool:
        """Return whether a value is a constant or made of constants only."""
        return value in self._stored

    def add(
        self,
        name: str,
        op: str,
        read: Sequence[str],
        outputs: tuple[str, ...],
        *,
        inner: Sequence[str] = (),
        attributes: Mapping[str, str],
        packed: str = "",
        **facts: Any,
    ) -> None:
        """Append an operator.

        Args:
            name: its unique name.
            op: its kind.
            read: names of all values that it reads, constants included.
            outputs: names of the values that it gives.
            inner: values that the graphs inside it give.
            attributes: its attributes.
            packed: the number type of its weights if their bytes hold several numbers each.
            facts: other fields of the `Node`.
        """
        weights = tuple(weight for one in read for weight in self._stored.get(one, ()))[:MOST_WEIGHTS]
        described = _described(weights)
        shaped = op.lower() in SHAPING and read[:1] and read[0] in self._stored
        if shaped or (read and not inner and all(one in self._stored for one in read)):
            described |= {"weight_bytes": 0} if described else {}
            self._stored |= dict.fromkeys(outputs, weights)
            self._unpacked.update(outputs)
        elif packed and described:
            described["weight_dtype"] = packed
        computed = [one for one in read if one not in self._stored or one in self._unpacked]
        own = {**attributes, **self._numbers(read)}
        self.nodes.append(Node(name, op, (*computed, *inner), outputs, attributes=own, **described, **facts))

    def _numbers(self, read: Sequence[str]) -> dict[str, str]:
        """Return the few whole numbers (sizes, axes) among the inputs, as attributes."""
        stored = ((place, self._stored[one][0]) for place, one in enumerate(read) if self._stored.get(one))
        return {f"#{place}": shortened(weight.text) for place, weight in stored if weight.text}


def _described(weights: Iterable[Weight]) -> dict[str, Any]:
    """Return the fields of a `Node` that describe its weights; few whole numbers are none."""
    real = sorted((one for one in weights if not one.text), key=lambda one: -math.prod(one.shape))
    if not real:
        return {}
    joined = hashlib.blake2b("".join(sorted(one.digest for one in real)).encode(), digest_size=16)
    return {
        "weight_dtype": real[0].dtype,
        "weight_bytes": sum(one.size_bytes for one in real),
        "weight_shape": real[0].shape,
        "weight_hash": joined.hexdigest(),
        "weight_names": tuple(one.name for one in real),
        "weight_sums": tuple(one.sums for one in real),
    }
