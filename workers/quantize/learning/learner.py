"""Learn the ranges and weights of a quantized graph from the inputs that each layer has in the original."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.convert.graphs import onnx_files
from workers.convert.replica.torch_replica import Layer, layer_of
from workers.infer.base import Arrays
from workers.quantize.calibrating import probes
from workers.quantize.learning import rounding, rows
from workers.quantize.learning.layers import QuantizedGraph, QuantizedLayer

FACTORS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""Parts of an inner value's range that are tried; what lies beyond is clipped."""

RANGE_EXAMPLES = 8
MOST_INPUTS = 4608
"""Largest number of inputs of an output; the work grows with its cube (512 channels of 3 × 3)."""

MOST_BYTES = 1 << 29
"""Largest memory of the sums of several layers, which are learned together from one pass over the examples."""

ROWS_PER_INPUT, FEWEST_ROWS = 8, 8192
COLLECTING_SHARE = 0.7
"""Share of the remaining time after which no further example is read."""

COLLECT, ROUND = mark("Collect inner values"), mark("Learn the rounding")


@dataclass
class Lesson:
    """One layer: its node in the quantized graph, its copy in torch, and the sums of products of its inputs.

    `errors` are the squared changes of its outputs for each of `FACTORS` on the range of its input.
    """

    name: str
    source: str
    layer: Layer
    attributes: dict[str, Any]
    quantized: QuantizedLayer
    bias: NDArray[np.float32] | None
    products: Any = None
    errors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(FACTORS)))

    @property
    def inputs(self) -> int:
        """Return the number of inputs of an output; a bias counts as one."""
        return int(rows.weights_of(self.layer).shape[2]) + (self.bias is not None)

    @property
    def bytes(self) -> int:
        """Return the memory of the sums."""
        return int(getattr(self.layer.module, "groups", 1)) * self.inputs**2 * 8

    def moved(self, gap: Any) -> float:
        """Return the squared change of the outputs when the input changes by `gap`."""
        import torch

        with torch.no_grad():
            zero = self.layer.run(self.attributes, torch.zeros_like(gap[:1]))
            return float(((self.layer.run(self.attributes, gap) - zero) ** 2).sum())

    def add(self, taken: Any) -> None:
        """Add rows (groups, rows, inputs) to the sums."""
        import torch

        taken = taken.double()
        if self.bias is not None:
            taken = torch.cat([taken, torch.ones_like(taken[..., :1])], 2)
        self.products = taken.transpose(1, 2) @ taken + (0 if self.products is None else self.products)


class Learner:
    """Learns the layers of a quantized graph until `end_s` (monotonic seconds); `learned` counts them."""

    def __init__(self, original: Any, graph: QuantizedGraph, most: int, ctx: JobContext, end_s: float) -> None:
        """Find the layers of the graph `original` that `graph` holds in 8 bits; `most` is the largest weight."""
        import torch

        self._original, self._graph, self._most, self._ctx, self._end_s = original, graph, most, ctx, end_s
        self._lessons = list(_lessons(original, graph))
        self._random = torch.Generator().manual_seed(ctx.seed)
        self.learned = 0

    @property
    def layers(self) -> int:
        """Return the number of layers that can be learned."""
        return len(self._lessons)

    def run(self, items: Callable[[], Iterable[Arrays]], count: int, probe: Path) -> None:
        """Learn and write the result into the graph.

        Args:
            items: returns the `count` requests to learn from, each time from the start.
            count: their number.
            probe: a temporary file.
        """
        proto = onnx_files.copied(self._original)
        names = sorted({lesson.source for lesson in self._lessons})
        shown = {name: probes.add_copy(proto, name) for name in names}
        onnx_files.save(proto, probe)
        for part in self._parts():
            if self._is_over() or not self._collect(part, items(), count, probe, shown):
                break
            for lesson in part:
                self._ctx.check_cancelled()
                self._ctx.progress(ROUND, self.learned, self.layers, "layers")
                if self._is_over():
                    break
                self._round(lesson)
        self._choose_ranges()
        onnx_files.remove(probe)

    def _is_over(self) -> bool:
        return time.monotonic() > self._end_s

    def _parts(self) -> Iterator[list[Lesson]]:
        """Yield layers whose sums fit into memory together."""
        part: list[Lesson] = []
        for lesson in self._lessons:
            if part and sum(one.bytes for one in part) + lesson.bytes > MOST_BYTES:
                yield part
                part = []
            part.append(lesson)
        if part:
            yield part

    def _collect(
        self, part: list[Lesson], items: Iterable[Arrays], count: int, probe: Path, shown: dict[str, str]
    ) -> bool:
        """Sum the inputs of these layers over the requests; return whether there was time for one of them at least."""
        import torch

        end_s = time.monotonic() + COLLECTING_SHARE * (self._end_s - time.monotonic())
        wanted = sorted({shown[lesson.source] for lesson in part})
        for number, values in enumerate(probes.run_each(probe, wanted, items)):
            self._ctx.progress(COLLECT, number, count, "examples")
            if number > 0 and time.monotonic() > end_s:
                break
            for lesson in part:
                self._ctx.check_cancelled()
                x = torch.from_numpy(values[shown[lesson.source]])
                most = max(1, max(FEWEST_ROWS, ROWS_PER_INPUT * lesson.inputs) // count)
                lesson.add(rows.rows(lesson.layer, lesson.attributes, x, most, self._random))
                if number < RANGE_EXAMPLES:
                    lesson.errors += self._errors(lesson, x)
        return all(lesson.products is not None for lesson in part)

    def _errors(self, lesson: Lesson, x: Any) -> NDArray[np.float64]:
        """Return the squared change of the layer's outputs for each factor on the range of its input."""
        read = self._graph.range_of(lesson.quantized)
        if read is None:
            return np.zeros(len(FACTORS))
        errors = []
        for factor in FACTORS:
            scale = read.scale * factor
            steps = ((x / scale).round() + read.zero).clamp(read.low, read.high)
            errors.append(lesson.moved((steps - read.zero) * scale - x))
        return np.array(errors)

    def _round(self, lesson: Lesson) -> None:
        import torch

        weights = rows.weights_of(lesson.layer)
        shape = lesson.layer.module.weight.shape
        if lesson.bias is not None:
            bias = torch.from_numpy(lesson.bias).double().reshape(*weights.shape[:2], 1)
            weights = torch.cat([weights, bias], 2)
        steps, scales, left = rounding.rounded(weights, lesson.products, lesson.bias is not None, self._most)
        lesson.products = None
        if left is not None:
            lesson.bias = left.reshape(-1).float().numpy()
        self._graph.write(lesson.quantized, steps.reshape(shape).float().numpy(), scales.reshape(-1).float().numpy())
        self.learned += 1

    def _choose_ranges(self) -> None:
        """Choose the range of each input that changes the layers behind it least, and write the biases."""
        errors: dict[str, Any] = defaultdict(float)
        readers: dict[str, set[str]] = defaultdict(set)
        for lesson in self._lessons:
            read = self._graph.range_of(lesson.quantized)
            if read is not None:
                errors[read.name] = errors[read.name] + lesson.errors
                readers[read.name].add(lesson.name)
        for name, found in errors.items():
            if self._graph.readers_of_range(name) == readers[name]:
                self._graph.put(name, self._graph.array(name) * np.float32(FACTORS[int(np.argmin(found))]))
        for lesson in self._lessons:
            if lesson.bias is not None:
                self._graph.write_bias(lesson.quantized, lesson.bias)


def _lessons(original: Any, graph: QuantizedGraph) -> Iterator[Lesson]:
    from onnx import helper, numpy_helper

    tensors = {tensor.name: tensor for tensor in original.graph.initializer}
    for node in original.graph.node:
        quantized = graph.layers.get(node.name)
        if quantized is None or any(name not in tensors for name in node.input[1:]) or node.input[0] in tensors:
            continue
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        weights = {name: numpy_helper.to_array(tensors[name]) for name in node.input[1:]}
        layer = layer_of(node, attributes, weights)
        if layer is None or layer.kind not in ("conv", "linear") or len(layer.module.weight.shape) > 4:
            continue
        bias = weights[node.input[2]] if len(node.input) > 2 else None
        if quantized.added:
            bias = graph.array(quantized.added)
        lesson = Lesson(node.name, node.input[0], layer, attributes, quantized, None if bias is None else bias.copy())
        if lesson.inputs <= MOST_INPUTS and graph.scales(quantized).size == layer.given:
            yield lesson
