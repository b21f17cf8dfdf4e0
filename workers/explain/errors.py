"""Find how far the inner values of two models are apart, and the operator where more than rounding shows."""

from collections.abc import Sequence
from contextlib import closing
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

from workers.contracts.after.changes import ChangedNode, DiffResult
from workers.contracts.base import RunParams
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined, ngettext
from workers.explain import rounding
from workers.explain.agreement import Difference
from workers.explain.graph import ModelGraph, Node
from workers.explain.inner_values.base import InnerModel
from workers.explain.inner_values.opening import open_inner
from workers.explain.inner_values.walk import Pair, Walk, groups_of
from workers.infer.base import Arrays, NotRunnable
from workers.measure.opening import open_session
from workers.measure.requests import Requests, load_requests

BUDGET_BYTES = 256 << 20
"""Memory for the inner values and weights that are held at once."""

UNKNOWN_BYTES = 4 << 20
"""Assumed bytes of a value of unknown size."""

COMPARED = ("unchanged", "fused", "rounded", "replaced")


def with_errors(
    nodes: Sequence[ChangedNode], graphs: Sequence[ModelGraph], sides: Sequence[RunParams], max_items: int,
    ctx: JobContext, budget_bytes: int = BUDGET_BYTES,
) -> DiffResult:  # fmt: skip
    """Compare the first outputs of matched operators on test examples; return `nodes` with `error` and `nan`.

    Args:
        nodes: all nodes, in the order of execution of the first model.
        graphs: the graphs of both models.
        sides: both models with the same examples.
        max_items: maximum number of examples.
        ctx: context of the running job.
        budget_bytes: memory for the values and weights that are held at once.
    """
    try:
        items, batch = _items(sides, max_items, ctx)
        with TemporaryDirectory(dir=ctx.work_dir) as one, TemporaryDirectory(dir=ctx.work_dir) as other:
            models = [open_inner(side, Path(folder), ctx) for side, folder in zip(sides, (one, other), strict=True)]
            requests = [(models[0].complete(a), models[1].complete(b)) for a, b in items]
            pairs = _pairs(nodes, graphs, models, requests[0])
            walk = _compare(models, pairs, requests, budget_bytes, ctx)
    except (NotRunnable, InputRefused) as error:
        return DiffResult(nodes=tuple(nodes), notes=(_not_compared(error),))
    return _result(nodes, pairs, len(requests) * batch, walk)


def _items(sides: Sequence[RunParams], count: int, ctx: JobContext) -> tuple[list[tuple[Arrays, Arrays]], int]:
    """Return requests of the same examples for both models, and how many examples each has.

    Models with a state both get the one that the first carries.

    Raises:
        InputRefused: there are none, or the models take no batch of the same size.
    """
    folders = [(Path(side.model_dir), Path(side.data_dir)) for side in sides]
    batch = max(load_requests(*both, limit=1).batch for both in folders)
    first, second = (load_requests(*both, batch, -(-count // batch)) for both in folders)
    if first.state:
        _carry(first, second, sides[0], ctx)
    return list(zip(first.feeds, second.feeds, strict=False)), batch


def _carry(requests: Requests, others: Requests, params: RunParams, ctx: JobContext) -> None:
    with closing(open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)) as session:
        for number, other in enumerate(others.feeds[: len(requests)]):
            feeds = requests.feed(number)
            other |= {name: feeds.get(name, value) for name, value in others.state.items()}
            requests.feeds[number] = dict(feeds)
            requests.carry(session.run(feeds))


def _pairs(
    nodes: Sequence[ChangedNode],
    graphs: Sequence[ModelGraph],
    models: Sequence[InnerModel],
    request: tuple[Arrays, Arrays],
) -> list[Pair]:
    """Return the pairs of values in the first model's order; a fused operator is compared at its last part's output."""
    sides = [{node.name: node for node in graph.nodes if node.depth == 0} for graph in graphs]
    places = {node.name: place for place, node in enumerate(graphs[0].nodes)}
    largest = max((size for feeds in request for array in feeds.values() for size in array.shape[1:]), default=1)
    last: dict[str, Pair] = {}
    for position, node in sorted(enumerate(nodes), key=lambda one: places.get(one[1].a or "", 0)):
        if node.a not in sides[0] or node.b not in sides[1] or node.status not in COMPARED:
            continue
        one, other = sides[0][node.a], sides[1][node.b]
        a = models[0].value_of((*one.outputs[:1], one.name))
        b = models[1].value_of((node.value_b,) if node.value_b else (*other.outputs[:1], other.name))
        if a is not None and b is not None:
            last.pop(b, None)
            last[b] = Pair(position, a, b, size=4 * _bytes(sides[0][node.a], largest))
    return list(last.values())


def _bytes(node: Node, largest: int) -> int:
    if node.shape is None:
        return UNKNOWN_BYTES
    sizes = [size or (1 if axis == 0 else largest) for axis, size in enumerate(node.shape)]
    return 4 * prod(sizes)


def _compare(
    models: Sequence[InnerModel],
    pairs: list[Pair],
    requests: Sequence[tuple[Arrays, Arrays]],
    budget_bytes: int,
    ctx: JobContext,
) -> Walk:
    """Add the differences of all examples to the pairs and return the last pass.

    The largest example shows sizes and orders of axes; then all of them run, in as many passes as memory needs.
    """
    first, second = models
    in_steps = any(operator.rounds_to in rounding.WEIGHTS for model in models for operator in model.operators)
    look = Walk(first, second, groups_of(first, second, pairs, budget_bytes), in_steps, ctx)
    largest = max(requests, key=lambda feeds: sum(array.nbytes for array in feeds[0].values()))
    look.run([largest], 0, len(requests) + 1)
    for pair in pairs:
        pair.whole = Difference()
    walk = Walk(first, second, groups_of(first, second, pairs, budget_bytes), in_steps, ctx)
    at_once = max(1, budget_bytes // max(1, 2 * look.held_bytes))
    for start in range(0, len(requests), at_once):
        walk.run(requests[start : start + at_once], start, len(requests))
    return walk


def _result(nodes: Sequence[ChangedNode], pairs: Sequence[Pair], count: int, walk: Walk) -> DiffResult:
    found = list(nodes)
    different: list[tuple[bool, int]] = []
    for pair in pairs:
        found[pair.position] = found[pair.position].model_copy(
            update={"error": pair.whole.error, "nan": pair.whole.nan, "histograms": pair.histograms}
        )
        if pair.whole.nan in ("a", "b"):
            different.append((False, pair.position))
        elif excess(pair, walk.in_steps) > rounding.LIMIT:
            different.append((True, pair.position))
    notes = []
    without = sum(pair.axes is None for pair in pairs)
    if without:
        notes.append(
            ngettext(
                "{0:,} matched value has another size in the second model and was not compared.",
                "{0:,} matched values have other sizes in the second model and were not compared.",
                without,
            ).format(without)
        )
    if walk.failed:
        notes.append(
            ngettext(
                "{0:,} group of operators does not run alone; its errors include those of earlier ones.",
                "{0:,} groups of operators do not run alone; their errors include those of earlier ones.",
                walk.failed,
            ).format(walk.failed)
        )
    first = min(different, default=None)
    different_from = None if first is None else first[1]
    return DiffResult(nodes=tuple(found), first_different=different_from, n_items=count, notes=tuple(notes))


def excess(pair: Pair, in_steps: bool) -> float:
    """Return how many times as large the error of a pair's own operators is as the one that rounding explains."""
    own = pair.local.error if pair.local.count else pair.whole.error
    if own is None:
        return 0.0
    moved = (pair.moved.error or 0.0) if pair.moved.count else 0.0
    gains = rounding.excess_of_gains(pair.rounds_to, pair.weight_error, pair.gains.apart())
    return max(gains, own / rounding.explained(pair.rounds_to, pair.weight_error, moved, in_steps))


def _not_compared(error: Exception) -> str:
    why = error.detail if isinstance(error, InputRefused) else str(error)
    return joined([_("Inner values were not compared."), why])
