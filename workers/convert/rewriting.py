"""Rewrite a graph, check its predictions on inputs, and refuse it where they change."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import GraphRewrite, Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _
from workers.convert.graphs import onnx_files
from workers.convert.graphs.graph import Graph
from workers.convert.inference.calibration import example_feeds, requests
from workers.convert.output import LEAVE_OUT, does_not_fit, need_onnx, new_model
from workers.infer.base import Arrays

Rewrite = Callable[[Graph], int]
"""Changes the graph and returns the number of changed places; 0 leaves the model unchanged."""

MOST_DIFFERENCE = 1e-4
"""Largest allowed difference relative to the size of a channel; rewritten sums are added in another order."""

LEAST_SCALE, LEAST_POSITIONS = 0.1, 8
"""Lower bound of a channel's size, relative to the whole; few positions may be near 0 by chance."""

CHECKED, FEWEST_CHECKED, CHECK_S = 8, 2, 3.0
"""Number of compared inputs, their minimum, and the time limit in seconds for slow models."""


def rewriting(
    technique: str,
    title: str,
    change: Rewrite,
    words: str,
    *,
    order: int,
    kinds: Collection[str],
    summary: str,
    source: str,
) -> TechniqueSpec:
    """Return the technique that applies `change` to the graph and checks on inputs that predictions stay the same.

    Args:
        technique: the technique's id.
        title: its title.
        change: the change of the graph.
        words: the note about the change, with ``{count}`` for the number of places.
        order: place among the rewrites that the planner tries.
        kinds: OpenVINO's operators whose time the change saves.
        summary: what it does and for which models.
        source: the specification or paper.
    """

    def apply(model: Model, params: TechniqueParams, ctx: JobContext) -> ModelArtifact:
        proto = onnx_files.load(need_onnx(model, title))
        with new_model(model, technique, params, ctx) as output:
            count = rewritten(proto, change)
            if not count:
                raise does_not_fit("nothing_to_rewrite", title, "This graph has no such places.")
            ctx.check_cancelled()
            check_alike(model.main, output.save(proto, title), same_inputs(model, ctx), title, ctx)
            output.notes = (_(words).format(count=count),)
        return output.artifact

    return TechniqueSpec(
        id=technique,
        title=title,
        apply=apply,
        traits=("exact", "speed", "batches"),
        rewrite=GraphRewrite(order, frozenset(kinds), change),
        requires=("onnx", "onnx_ir", "onnxruntime"),
        summary=summary,
        source=source,
    )


def rewritten(proto: Any, change: Rewrite) -> int:
    """Apply `change` to the proto's main graph until nothing is left to change; return the number of places."""
    onnx_files.lift_constants(proto)
    total = 0
    while True:
        graph = Graph(proto)
        count = change(graph)
        if not count:
            return total
        graph.commit()
        total += count


def removed_by(proto: Any, change: Rewrite) -> set[str]:
    """Return the names of nodes, and of their outputs, that `change` removes. The proto is changed."""
    before = [_names(node) for node in proto.graph.node if node.op_type != "Constant"]
    if not rewritten(proto, change):
        return set()
    left = {name for node in proto.graph.node for name in _names(node)}
    return {name for names in before for name in names if not left.intersection(names)}


def _names(node: Any) -> list[str]:
    return [name for name in (node.name, *node.output) if name]


def same_inputs(model: Model, ctx: JobContext) -> Iterator[tuple[Arrays, Arrays]]:
    """Yield calibration inputs or a generated one, each twice."""
    for feeds in list(requests(model, ctx, CHECKED)) or [example_feeds(read_pipeline(model.folder))]:
        yield feeds, feeds


def check_alike(
    source: Path,
    changed: Path,
    inputs: Iterable[tuple[Arrays, Arrays]],
    title: str,
    ctx: JobContext,
    without: Collection[str] = (),
) -> None:
    """Check that the file `changed` predicts the same as `source` on `inputs`, pairs of the inputs of both.

    Outputs in `without` are removed and not compared.

    Raises:
        InputRefused: predictions differ.
    """
    before, after = onnx_files.start(source, "basic"), onnx_files.start(changed, "basic")
    names = [output.name for output in before.get_outputs() if output.name not in without]
    end_s = time.monotonic() + CHECK_S
    for number, (feeds, changed_feeds) in enumerate(islice(inputs, CHECKED)):
        ctx.check_cancelled()
        if number >= FEWEST_CHECKED and time.monotonic() > end_s:
            break
        ctx.progress("Check the answers", number, CHECKED, "examples")
        old = dict(zip(names, before.run(names, feeds), strict=True))
        new = dict(zip(names, after.run(names, changed_feeds), strict=True))
        gap = largest_difference(old, new)
        if not gap <= MOST_DIFFERENCE:
            raise InputRefused(
                "rewrite_changes_answers",
                _("{0} would change the answers").format(_(title)),
                _(
                    "On one of your inputs the largest difference was {0:.1e} of the size of its channel; at "
                    "most {1:.0e} is taken for rounding."
                ).format(gap, MOST_DIFFERENCE),
                LEAVE_OUT,
            )


def largest_difference(first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]) -> float:
    """Return the largest difference over all outputs, each number relative to the size of its channel.

    An output may hold tiny scores and large box positions, so its largest number is no measure. A number counts
    relative to the largest one of its row or column, whichever is smaller. That size is at least `LEAST_SCALE` of the
    largest number of all, because rounding follows the largest sums. The result is infinite for different shapes and
    for NaN.
    """
    worst = 0.0
    for name, values in first.items():
        other = second[name]
        if values.shape != other.shape:
            return float("inf")
        if values.size:
            difference = np.abs(values.astype(np.float64) - other.astype(np.float64))
            worst = max(worst, float(np.nan_to_num(difference / _scale(values), nan=np.inf).max()))
    return worst


def _scale(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the size to which differences are relative, broadcastable to the shape of `values`."""
    size = np.abs(values.astype(np.float64))
    scale = np.asarray(size.max() or 1.0)
    least = LEAST_SCALE * scale
    for axis in range(1, size.ndim):
        others = tuple(one for one in range(size.ndim) if one != axis)
        if size.size >= LEAST_POSITIONS * size.shape[axis]:
            scale = np.minimum(scale, size.max(axis=others, keepdims=True))
    return np.asarray(np.maximum(scale, least), np.float64)
