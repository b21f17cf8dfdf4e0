"""Move the few very large channels of a transformer's inner values into its weights before INT8 (SmoothQuant)."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.convert.output import need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.calibrating import probes

ID = "smooth_quant"
TITLE = mark("SmoothQuant before INT8")
SMALLEST = 1e-5

NOTHING_SMOOTHABLE = Reason(
    code="nothing_smoothable",
    text=mark("None of the model's matrix products follows a normalization, so there are no outliers to smooth."),
)


class Params(TechniqueParams):
    """Parameters of SmoothQuant: the share of the scale to move."""

    alpha: float = Field(
        title="Share moved to the weights",
        default=0.75,
        ge=0,
        le=1,
        description="How much of the rounding error moves from the activations to the weights: 0 none, 1 all.",
    )
    examples: int = Field(default=64, ge=1, le=1000, description="Examples to learn from, at most.")


@dataclass
class Group:
    """Products that share their input `source` (…, width).

    `norm` is the LayerNormalization before them that can absorb the scales; None means that a multiplication is
    inserted.
    """

    source: str
    products: list[Any]
    norm: Any | None


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Divide each channel of a product's input by a factor and multiply the weight's row by it; results stay equal."""
    source = need_onnx(model, TITLE)
    total = calibration.count_requests(model, ctx, params.examples)
    proto = qdq.load_named(source)
    groups = find_groups(proto)
    if not groups:
        raise InputRefused(
            "nothing_to_smooth",
            "There is nothing to smooth",
            "The model has no matrix products with weights of their own; this technique is for transformers.",
            "Leave this step out.",
        )
    with new_model(model, ID, params, ctx) as output:
        probe = output.folder / "probe.onnx"
        with onnx_files.library_call(TITLE, ctx):
            largest = _look(proto, groups, probe, calibration.requests(model, ctx, total))
        onnx_files.remove(probe)
        folded = 0
        for number, group in enumerate(groups):
            ctx.check_cancelled()
            folded += _smooth(proto, group, number, largest[group.source], params.alpha)
        onnx_files.drop_unused(proto)
        output.save(proto, TITLE)
        output.notes = (
            _(
                "Channels of {0} inner values were evened out, with {1} multiplications added. This alone "
                "changes neither answers nor speed: an INT8 step has to follow."
            ).format(len(groups), len(groups) - folded),
        )
    return output.artifact


def find_groups(proto: Any) -> list[Group]:
    """Return products with two-dimensional weights, grouped by their shared input."""
    from onnx import TensorProto

    graph = proto.graph
    weights = {t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) == 2}
    vectors = {t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) == 1}
    producers = {name: node for node in graph.node for name in node.output}
    groups: dict[str, Group] = {}
    for node in graph.node:
        plain = node.op_type in qdq.PRODUCTS and not onnx_files.is_set(node, "transA")
        if not plain or node.input[1] not in weights or node.input[0] in weights:
            continue
        group = groups.setdefault(node.input[0], Group(node.input[0], [], None))
        group.products.append(node)
    uses = Counter(name for inner in onnx_files.graphs(graph) for node in inner.node for name in node.input)
    outputs = {value.name for value in graph.output}
    for group in groups.values():
        norm = producers.get(group.source)
        alone = uses[group.source] == len(group.products) and group.source not in outputs
        if norm is not None and norm.op_type == "LayerNormalization" and alone and len(norm.output) == 1:
            group.norm = norm if all(name in vectors for name in norm.input[1:]) else None
    return list(groups.values())


def _look(proto: Any, groups: list[Group], probe: Path, requests: Any) -> dict[str, NDArray[np.float32]]:
    """Return the largest absolute value of each channel of each group's input."""
    copy = onnx_files.copied(proto)
    names = {group.source: probes.add_largest(copy, group.source) for group in groups}
    onnx_files.save(copy, probe)
    maxima = probes.largest(probe, list(names.values()), requests)
    return {source: np.asarray(maxima[name], np.float32) for source, name in names.items()}


def _smooth(proto: Any, group: Group, number: int, largest: NDArray[np.float32], alpha: float) -> bool:
    """Scale one group and return whether a normalization absorbed the factors."""
    from onnx import helper, numpy_helper

    graph = proto.graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # the input channels of each weight lie along axis 0, or 1 where it is transposed
    others = [0 if onnx_files.is_set(node, "transB") else 1 for node in group.products]
    weights = [tensors[node.input[1]] for node in group.products]
    rows = np.max([np.abs(weight).max(axis=axis) for weight, axis in zip(weights, others, strict=True)], axis=0)
    used = (largest > 0) & (rows > 0)
    factors = np.ones_like(largest)
    factors[used] = np.maximum(largest[used] ** alpha / rows[used] ** (1 - alpha), SMALLEST)
    for node, weight, axis in zip(group.products, weights, others, strict=True):
        node.input[1] = _add(graph, weight * np.expand_dims(factors, axis), f"{node.name}_smooth")
    if group.norm is not None:
        for position, name in enumerate(group.norm.input[1:], start=1):
            group.norm.input[position] = _add(graph, tensors[name] / factors, f"{name}_smooth{number}")
        return True
    inverse = _add(graph, 1 / factors, f"fettle_smooth_{number}")
    smooth = f"{group.source}_smooth"
    names = {node.name for node in group.products}
    place = next(index for index, node in enumerate(graph.node) if node.name in names)
    for node in group.products:
        node.input[0] = smooth
    multiply = helper.make_node("Mul", [group.source, inverse], [smooth], name=f"fettle_smooth_mul_{number}")
    graph.node.insert(place, multiply)
    return False


def _add(graph: Any, values: NDArray[Any], name: str) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
    return name


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models whose products do not follow a normalization."""
    return None if situation.model.smoothable else NOTHING_SMOOTHABLE


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Evens out the inner values of a transformer, so that INT8 after it loses less. For matrix products.",
    source="SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models, arXiv 2211.10438",
    params=Params,
    apply=apply,
    needs_calibration=True,
    why_not=why_not,
)
