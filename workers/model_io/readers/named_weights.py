"""Keep the source's names of weights in the graph that was made of it.

An exporter drops most of them. Techniques that build another graph of the same weights
(`workers.quantize.language_onnx`) need them, and the source may be gone by then. A weight and a constant belong
together if every byte is equal, as stored or in 32 bits. A constant may be several weights (an embedding table that is
also the last layer). Weights with a single value (a norm of ones) may be missing in a graph; they are stored as that
value.
"""

import hashlib
from collections import defaultdict
from typing import Any

PREFIX, BETWEEN = "weight:", "|"
UNIFORM_FILE = "uniform_weights.json"


Uniform = tuple[float, tuple[int, ...]]
"""Value and shape of a weight whose numbers are all equal."""


def name_weights(program: Any, model: Any) -> dict[str, Uniform]:
    """Name the constants of an OpenVINO `program` after the weights of the torch module `model`.

    Returns:
        The weights with a single value that no constant holds.
    """
    import torch

    constants: dict[bytes, list[Any]] = defaultdict(list)
    for node in program.get_ordered_ops():
        if node.get_type_name() == "Constant":
            constants[_digest(node.data)].append(node)
    holders: dict[str, Any] = {}
    names: dict[str, list[str]] = defaultdict(list)
    left_out: dict[str, Uniform] = {}
    for name, tensor in model.state_dict().items():
        whole = tensor.detach().contiguous()
        plain = whole.view(torch.uint8) if whole.dtype == torch.bfloat16 else whole
        found = constants.get(_digest(plain.numpy())) or constants.get(_digest(whole.float().numpy()))
        if not found:
            if whole.min() == whole.max():
                left_out[name] = (float(whole.min()), tuple(whole.shape))
            continue
        # of equal constants (norms that are all 1), each weight takes its own while there are any
        holder = found.pop(0) if len(found) > 1 else found[0]
        holders[holder.get_friendly_name()] = holder
        names[holder.get_friendly_name()].append(name)
    for own, node in holders.items():
        node.set_friendly_name(PREFIX + BETWEEN.join(names[own]))
    return left_out


def weights_of(program: Any) -> dict[str, Any]:
    """Return weights by name from a program that `name_weights` has named; several names may share one constant."""
    found = {}
    for node in program.get_ordered_ops():
        if node.get_type_name() == "Constant" and node.get_friendly_name().startswith(PREFIX):
            for name in node.get_friendly_name().removeprefix(PREFIX).split(BETWEEN):
                found[name] = node
    return found


def _digest(array: Any) -> bytes:
    """Return the digest of the bytes without the shape, because a graph stores a norm's weights as (1, 1, n)."""
    return hashlib.blake2b(memoryview(array.reshape(-1)).cast("B"), digest_size=16).digest()
