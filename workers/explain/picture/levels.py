"""Make the levels of detail of the picture of two compared graphs."""

from collections import Counter
from collections.abc import Sequence
from posixpath import basename, commonpath, dirname

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.change_words import times_of
from workers.contracts.after.changes import Box, ChangedNode, Level
from workers.contracts.process.context import JobContext
from workers.explain.graph import ModelGraph
from workers.explain.picture.folding import Segment, folded, grouped
from workers.explain.picture.layering import BOX_PX, laid_out
from workers.explain.picture.merging import Edge, merged

COARSE, MIDDLE, FINE = 120, 1_200, 5_000
"""Most boxes of each level."""
STEP = 1.3
"""A level has at least this many times as many boxes as the coarser one before it."""
LEAST_FOLDED = 24
"""Graphs of fewer operators are not folded."""
MOST_EDGES = 20_000
NARROW_PX, PLAIN_PX, WIDE_PX = 124.0, 140.0, 260.0
"""Widths of a box without time, of all boxes if nothing was timed, and of the slowest box."""
MAX_TITLE, SHOWN_OPS = 60, 3


def levels_of(
    nodes: Sequence[ChangedNode], first: ModelGraph, second: ModelGraph, ctx: JobContext
) -> tuple[Level, ...]:
    """Return the picture of both graphs as one, the coarsest level first; () without operators.

    The last level shows each operator alone, unless there are more than `FINE`.
    """
    if not nodes:
        return ()
    ctx.progress("Draw the picture", 0, 1)
    order, edges = merged(nodes, first, second)
    single = [Segment(at, at + 1) for at in range(len(order))]
    blocks, each = _blocks(nodes, order, edges) if len(single) >= LEAST_FOLDED else (single, single)
    names = [nodes[at].a or nodes[at].b or "" for at in order]
    levels: list[Level] = []
    for segments in (grouped(blocks, names, COARSE), grouped(each, names, MIDDLE), grouped(single, names, FINE)):
        ctx.check_cancelled()
        is_last = len(segments) == len(single)
        if not levels or is_last or len(segments) > STEP * len(levels[-1].boxes):
            if levels and is_last and len(segments) <= STEP * len(levels[-1].boxes):
                levels.pop()  # each operator alone says more than almost as many boxes
            levels.append(_level(nodes, order, edges, segments))
    return tuple(levels)


def _blocks(
    nodes: Sequence[ChangedNode], order: Sequence[int], edges: Sequence[Edge]
) -> tuple[list[Segment], list[Segment]]:
    """Return the operators with repeated blocks folded, and with each block by itself.

    Only operators of the first model are compared; an added one belongs to the next of them.
    """
    base = [place for place, at in enumerate(order) if nodes[at].a is not None]
    if not base:
        whole = [Segment(0, len(order))]
        return whole, whole
    live = _live(len(order), edges)[base]
    ends = [0, *(place + 1 for place in base[:-1]), len(order)]
    blocks = folded([nodes[order[place]].op for place in base], live)
    each = [one for block in blocks for one in block.instances()]

    def with_added(segments: Sequence[Segment]) -> list[Segment]:
        return [Segment(ends[one.start], ends[one.stop], one.repeats) for one in segments]

    return with_added(blocks), with_added(each)


def _live(count: int, edges: Sequence[Edge]) -> NDArray[np.int64]:
    """Return how many connections cross the start of each place, shape (count,), int64."""
    changes = np.zeros(count + 1, np.int64)
    forward = np.array([edge for edge in edges if edge[0] < edge[1]], np.int64).reshape(-1, 2)
    np.add.at(changes, forward[:, 0] + 1, 1)
    np.add.at(changes, forward[:, 1] + 1, -1)
    return np.cumsum(changes)[:count]


def _level(
    nodes: Sequence[ChangedNode], order: Sequence[int], connected: Sequence[Edge], segments: Sequence[Segment]
) -> Level:
    owner = np.repeat(np.arange(len(segments)), [one.stop - one.start for one in segments])
    pairs = {(int(owner[u]), int(owner[v])) for u, v in connected if owner[u] != owner[v]}
    edges = sorted(pairs, key=lambda edge: (abs(edge[1] - edge[0]), edge))[:MOST_EDGES]
    members = [order[one.start : one.stop] for one in segments]
    widths = _widths(nodes, members)
    places, routes = laid_out(widths, edges)
    boxes = tuple(
        Box(
            title=_title(nodes, members[at], one.repeats), nodes=tuple(members[at]), x=x, y=y,
            width=widths[at], height=BOX_PX, repeats=one.repeats,
        )
        for at, (one, (x, y)) in enumerate(zip(segments, places, strict=True))
    )  # fmt: skip
    return Level(boxes=boxes, routes=tuple(routes))


def _widths(nodes: Sequence[ChangedNode], members: Sequence[Sequence[int]]) -> list[float]:
    """Return the widths in pixels: the longer time of both models, in proportion to the level's slowest box."""
    ms = [max(one or 0.0 for one in times_of([nodes[at] for at in group])) for group in members]
    slowest = max(ms)
    if not slowest:
        return [PLAIN_PX] * len(ms)
    return [round(NARROW_PX + (WIDE_PX - NARROW_PX) * one / slowest, 1) for one in ms]


def _title(nodes: Sequence[ChangedNode], members: Sequence[int], repeats: int) -> str:
    block = members[: len(members) // repeats]
    ops = [op for op, _count in Counter(nodes[at].op for at in block).most_common(SHOWN_OPS + 1)]
    text = ", ".join(ops[:SHOWN_OPS]) + (", …" if len(ops) > SHOWN_OPS else "")
    if len(block) > 1:
        modules = [dirname(name.strip("/")) for at in members if (name := nodes[at].a)]
        text = (basename(commonpath(modules)) if modules else "") or text
    return (f"{repeats} × {text}" if repeats > 1 else text)[:MAX_TITLE]
