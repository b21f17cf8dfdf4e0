"""Find inner values that FP16 cannot hold, by running examples through the original.

FP16 ends at 65504; larger values, their sums and products become infinite, up to the predictions. The original runs in
32 bits, and the extremes of each inner value are recorded. BF16 has the range of 32 bits; there the predictions show
whether values stay finite.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.quantize.calibrating import probes

LARGEST = 65504.0
"""The largest finite number of FP16 (IEEE 754 binary16)."""

HEADROOM = 2.0
"""Safety factor, because other inputs may produce larger values than the few examples."""

EXAMPLES = 16

CARRIES = frozenset({"Add", "Sub", "Where", "Unsqueeze", "Expand", "Reshape", "Transpose", "Slice", "Identity", "Cast"})
"""Operators through which a mask reaches its Softmax."""


@dataclass(frozen=True)
class OverflowFacts:
    """Result of the search for values beyond the range of FP16.

    `operators` names the nodes that read or produce such values; `largest` is the largest value. `looked` is False if
    there were no examples, so that only constants were checked.
    """

    operators: tuple[str, ...]
    largest: float
    looked: bool


def look(proto: Any, model: Model, scratch: Path, ctx: JobContext) -> OverflowFacts:
    """Run `proto` on the model's calibration inputs and return which operators must keep 32 bits.

    Args:
        proto: the graph, with named nodes and lifted constants; the types of inner values are added to it.
        model: the original model.
        scratch: a folder for two temporary files.
        ctx: context of the running job.
    """
    path = scratch / "extremes.onnx"
    onnx_files.save(onnx_files.copied(proto), path)
    probes.with_types(proto, path)
    extremes = _of_constants(proto)
    examples = list(ctx.calibration(1))
    if examples:
        copy = onnx_files.copied(proto)
        names = {name: probes.add_extremes(copy, name) for name in probes.float_tensors(copy)}
        onnx_files.save(copy, path)
        total = calibration.count_requests(model, ctx, EXAMPLES)
        extremes |= _of_inner_values(path, names, calibration.requests(model, ctx, total))
    onnx_files.remove(path)
    masks = _masks(proto.graph)
    limit = LARGEST / HEADROOM
    too_large = {
        name: max(-low, high)
        for name, (low, high) in extremes.items()
        if not high <= limit or (not low >= -limit and name not in masks)
    }
    operators = [node.name for node in proto.graph.node if too_large.keys() & {*node.input, *node.output}]
    return OverflowFacts(tuple(operators), max(too_large.values(), default=0.0), bool(examples))


def _of_constants(proto: Any) -> dict[str, tuple[float, float]]:
    from onnx import TensorProto, numpy_helper

    arrays = ((t.name, numpy_helper.to_array(t)) for t in proto.graph.initializer if t.data_type == TensorProto.FLOAT)
    return {name: (float(array.min()), float(array.max())) for name, array in arrays if array.size}


def _of_inner_values(path: Path, names: dict[str, tuple[str, str]], requests: Any) -> dict[str, tuple[float, float]]:
    """Return (smallest, largest) of each inner value over all requests; not finite if any request was not."""
    requested = [name for pair in names.values() for name in pair]
    ranges: dict[str, tuple[float, float]] = {}
    for values in probes.run_each(path, requested, requests):
        for name, (low, high) in names.items():
            before = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = (min(before[0], float(values[low])), max(before[1], float(values[high])))
    return ranges


def _masks(graph: Any) -> set[str]:
    """Return values that only lead to Softmax. Very negative ones are masks, and clipping keeps them masks."""
    constants = {tensor.name for tensor in graph.initializer}
    readers = onnx_files.readers_of(graph)
    mask_names: set[str] = set()
    for node in reversed(graph.node):  # the nodes are sorted, so readers come first in this order
        for name in (*node.input, *node.output):
            kinds = CARRIES | {"Mul"} if name in constants else CARRIES  # (1 - mask) times a very negative number
            if name in readers and all(_leads_to_softmax(reader, kinds, mask_names) for reader in readers[name]):
                mask_names.add(name)
    return mask_names


def _leads_to_softmax(node: Any, kinds: frozenset[str], masks: set[str]) -> bool:
    return node.op_type == "Softmax" or (node.op_type in kinds and all(name in masks for name in node.output))


def join_casts(proto: Any) -> int:
    """Remove casts from 32 to 16 bits and back between two operators that keep 32 bits, as they would clip the value.

    Returns:
        The number of removed pairs.
    """
    from onnx import TensorProto

    graph = proto.graph
    down = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Cast" and _target(n) == TensorProto.FLOAT16}
    joined: dict[str, str] = {}
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        if node.op_type != "Cast" or _target(node) != TensorProto.FLOAT or node.input[0] not in down:
            continue
        if node.output[0] in outputs:
            node.op_type, node.input[0] = "Identity", down[node.input[0]]
            del node.attribute[:]
        joined[node.output[0]] = node.input[0] if node.op_type == "Identity" else down[node.input[0]]
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = joined.get(name, name)
    read = {name for inner in onnx_files.graphs(graph) for node in inner.node for name in node.input} | outputs
    kept = [node for node in graph.node if node.op_type != "Cast" or node.output[0] in read]
    onnx_files.set_nodes(graph, kept)
    return len(joined)


def _target(node: Any) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "to"), 0)
