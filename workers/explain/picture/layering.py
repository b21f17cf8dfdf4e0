"""Lay out the boxes of one level: layers from top to bottom, in columns like those of a newspaper."""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from workers.explain.picture.merging import Edge

BOX_PX, ROW_GAP_PX, BOX_GAP_PX, GUTTER_PX = 38.0, 26.0, 22.0, 44.0
PATH_PX = 10.0
"""Room of a connection that passes a layer."""
ASPECT = 1.9
"""Width of the picture in relation to its height."""
FAR_OFF = 1.2
"""How many times as wide as expected a picture may be before its columns are made longer, once."""
MAX_SPAN, MAX_BENDS = 40, 20_000
"""Longest connection that runs through the layers, in layers, and most bends of all; others run beside their column."""
SWEEPS, LEAST_ROWS, DRIFT = 4, 6, 8
LOOSE_ACROSS = 3
"""Number of boxes without connections in a layer; they are below all others."""
PITCH_PX = BOX_PX + ROW_GAP_PX

Points = tuple[float, ...]


def laid_out(widths: Sequence[float], edges: Sequence[Edge]) -> tuple[list[tuple[float, float]], list[Points]]:
    """Return the top left corner of each box, and each connection as x and y of its points in turn, in pixels.

    Boxes are numbered in an order of execution. Connections that lead backwards run beside the columns.
    """
    layer = _layers(len(widths), edges)
    rows = _rows_of(widths, layer)
    for _attempt in range(2):
        column = [at // rows for at in layer]
        inner = {(u, v) for u, v in edges if u < v and column[u] == column[v] and layer[v] > layer[u]}
        items, below, bends = _with_bends(layer, inner)
        size = [*widths, *[PATH_PX] * (len(items) - len(widths))]
        grid: list[list[int]] = [[] for _layer in range(max(items) + 1)]
        for item, at in enumerate(items):
            grid[at].append(item)
        center = _placed(grid, below, size)
        left, gutters = _columns(grid, rows, center, size)
        stretched = math.sqrt(gutters[-1] / (ASPECT * rows * PITCH_PX))
        if stretched < FAR_OFF or len(left) == 1:
            break
        rows = math.ceil(rows * stretched)
    x = [center[item] + left[items[item] // rows] for item in range(len(items))]
    y = [(at % rows) * PITCH_PX for at in items]
    places = [(round(x[at] - widths[at] / 2, 1), y[at]) for at in range(len(widths))]
    routes = [
        _through((u, *bends[u, v], v), x, y) if (u, v) in bends else _around(u, v, x, y, column, gutters)
        for u, v in edges
    ]
    return places, routes


def _layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return the layer of each box: the longest path from a source.

    A source is just above its first reader, and boxes without connections are below all others.
    """
    layer = [0] * count
    readers, has_maker = defaultdict(list), [False] * count
    for u, v in edges:
        if u < v:
            readers[u].append(v)
            has_maker[v] = True
    for u in range(count):
        for v in readers[u]:
            layer[v] = max(layer[v], layer[u] + 1)
    for u in range(count):
        if not has_maker[u] and readers[u]:
            layer[u] = min(layer[v] for v in readers[u]) - 1
    loose = [u for u in range(count) if not has_maker[u] and not readers[u]]
    depth = max(layer) + (len(loose) < count)
    for at, u in enumerate(loose):
        layer[u] = depth + at // LOOSE_ACROSS
    return layer


def _rows_of(widths: Sequence[float], layer: Sequence[int]) -> int:
    """Return the number of layers in a column, for a picture about `ASPECT` times as wide as high."""
    across: dict[int, float] = defaultdict(float)
    for width, at in zip(widths, layer, strict=True):
        across[at] += width + BOX_GAP_PX
    typical = sorted(across.values())[int(0.9 * (len(across) - 1))] + GUTTER_PX
    return max(LEAST_ROWS, math.ceil(math.sqrt((max(layer) + 1) * typical / (ASPECT * PITCH_PX))))


def _with_bends(
    layer: Sequence[int], inner: set[Edge]
) -> tuple[list[int], dict[int, list[int]], dict[Edge, tuple[int, ...]]]:
    """Return the layers of boxes and bends, what is connected below each, and the bends of each connection."""
    items = list(layer)
    below: dict[int, list[int]] = defaultdict(list)
    bends: dict[Edge, tuple[int, ...]] = {}
    for u, v in sorted(inner, key=lambda edge: layer[edge[1]] - layer[edge[0]]):
        span = layer[v] - layer[u]
        if span > MAX_SPAN or len(items) + span - len(layer) > MAX_BENDS:
            continue
        made = tuple(range(len(items), len(items) + span - 1))
        items += range(layer[u] + 1, layer[v])
        bends[u, v] = made
        for upper, lower in zip((u, *made), (*made, v), strict=True):
            below[upper].append(lower)
    return items, below, bends


def _placed(grid: list[list[int]], below: dict[int, list[int]], size: Sequence[float]) -> list[float]:
    """Return the horizontal center of each item: ordered by the mean of its neighbors, then moved close to it.

    At last each layer is moved back by the mean of the layers around it, so that a column stands upright.
    """
    above: dict[int, list[int]] = defaultdict(list)
    for upper, lowers in below.items():
        for lower in lowers:
            above[lower].append(upper)
    center = [0.0] * len(size)
    for row in grid:
        _spread(row, center, size)
    for sweep in range(2 * SWEEPS):
        near = (above, below)[sweep % 2]
        for row in grid if sweep % 2 == 0 else reversed(grid):
            for item in row:
                if near[item]:
                    center[item] = sum(center[other] for other in near[item]) / len(near[item])
            if sweep < SWEEPS:
                row.sort(key=lambda item: center[item])
            _spread(row, center, size)
    middles = [sum(center[item] for item in row) / len(row) for row in grid]
    for at, row in enumerate(grid):
        near_by = middles[max(0, at - DRIFT) : at + DRIFT + 1]
        for item in row:
            center[item] -= sum(near_by) / len(near_by)
    return center


def _spread(row: Sequence[int], center: list[float], size: Sequence[float]) -> None:
    """Move the items of a layer apart, as little as their order allows: the mean of a pass from each side."""
    if len(row) < 2:
        return
    gaps = [(size[a] + size[b]) / 2 + BOX_GAP_PX for a, b in pairwise(row)]
    rightward, leftward = [center[item] for item in row], [center[item] for item in row]
    for at, gap in enumerate(gaps):
        rightward[at + 1] = max(rightward[at + 1], rightward[at] + gap)
    for at in range(len(gaps) - 1, -1, -1):
        leftward[at] = min(leftward[at], leftward[at + 1] - gaps[at])
    for at, item in enumerate(row):
        center[item] = (rightward[at] + leftward[at]) / 2


def _columns(
    grid: list[list[int]], rows: int, center: Sequence[float], size: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return the shift of each column and the middle of the gutter left of each; the last is right of all."""
    shifts, gutters, right = [], [], 0.0
    for start in range(0, len(grid), rows):
        inside = [item for row in grid[start : start + rows] for item in row]
        low = min(center[item] - size[item] / 2 for item in inside)
        high = max(center[item] + size[item] / 2 for item in inside)
        gutters.append(right - GUTTER_PX / 2)
        shifts.append(right - low)
        right += high - low + GUTTER_PX
    return shifts, [*gutters, right - GUTTER_PX / 2]


def _through(items: Sequence[int], x: Sequence[float], y: Sequence[float]) -> Points:
    points = [x[items[0]], y[items[0]] + BOX_PX]
    for item in items[1:-1]:
        points += [x[item], y[item], x[item], y[item] + BOX_PX]
    return tuple(round(at, 1) for at in (*points, x[items[-1]], y[items[-1]]))


def _around(
    u: int, v: int, x: Sequence[float], y: Sequence[float], column: Sequence[int], gutters: Sequence[float]
) -> Points:
    """Return a connection along the gutters and, between columns that are no neighbors, above the picture."""
    out, into = gutters[column[u] + 1], gutters[column[v] + (column[v] == column[u])]
    low, high = y[u] + BOX_PX + ROW_GAP_PX / 2, y[v] - ROW_GAP_PX / 2
    over = () if out == into else (out, -ROW_GAP_PX, into, -ROW_GAP_PX)
    points = (x[u], y[u] + BOX_PX, x[u], low, out, low, *over, into, high, x[v], high, x[v], y[v])
    return tuple(round(at, 1) for at in points)
