"""The names that a source gives its weights, kept in the graph that was made of it.

An exporter forgets most of them. Whoever builds another graph of the same weights (`workers.quantize.language_onnx`)
needs them, and the source may be gone by then. A weight and a constant belong together where every byte is the same, as
stored or in 32 bits; a constant may be several weights (a table of words that is also the last layer). Weights of one
value alone (a norm of ones) may be left out of a graph; they are kept in words.
"""

import hashlib
from collections import defaultdict
from typing import Any, NamedTuple

PREFIX, BETWEEN = "weight:", "|"


UNIFORM_FILE = "uniform_weights.json"


class Uniform(NamedTuple):
    """A weight of one value alone."""

    value: float
    shape: tuple[int, ...]


def name_weights(program: Any, model: Any) -> dict[str, Uniform]:
    """Give the constants of an OpenVINO `program` the names of the weights of the torch module `model`; returns those
    of one value that none of them holds."""
    import torch

    constants: dict[bytes, list[Any]] = defaultdict(list)
    for node in program.get_ordered_ops():
        if node.get_type_name() == "Constant":
            constants[_digest(node.data)].append(node)
    holders: dict[str, Any] = {}
    names: dict[str, list[str]] = defaultdict(list)
    left_out = {}
    for name, tensor in model.state_dict().items():
        whole = tensor.detach().contiguous()
        plain = whole.view(torch.uint8) if whole.dtype == torch.bfloat16 else whole
        found = constants.get(_digest(plain.numpy())) or constants.get(_digest(whole.float().numpy()))
        if not found:
            if whole.min() == whole.max():
                left_out[name] = Uniform(float(whole.min()), tuple(whole.shape))
            continue
        # of equal ones (norms that are all 1) each takes one of its own as long as there are any
        holder = found.pop(0) if len(found) > 1 else found[0]
        holders[holder.get_friendly_name()] = holder
        names[holder.get_friendly_name()].append(name)
    for own, node in holders.items():
        node.set_friendly_name(PREFIX + BETWEEN.join(names[own]))
    return left_out


def weights_of(program: Any) -> dict[str, Any]:
    """Weights by their names: constants of a program as `name_weights` left it. Several may be one and the same."""
    found = {}
    for node in program.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_friendly_name().startswith(PREFIX):
            for name in node.get_friendly_name().removeprefix(PREFIX).split(BETWEEN):
                found[name] = node
    return found


def _digest(array: Any) -> bytes:
    """Of the bytes alone: a norm's weights lie as (1, 1, n) in the graph."""
    return hashlib.blake2b(memoryview(array.reshape(-1)).cast("B"), digest_size=16).digest()
