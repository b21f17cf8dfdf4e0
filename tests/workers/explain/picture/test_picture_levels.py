"""The picture of two compared graphs: one graph, folded, laid out without overlaps."""

import itertools
from pathlib import Path

import pytest
from compared_graphs import BLOCK, blocks, changed, compared, graph, node
from recording import RecordingContext

from workers.contracts.after.changes import ChangedNode, Level
from workers.contracts.errors import JobCancelled
from workers.explain.picture.levels import COARSE, FINE, levels_of
from workers.explain.picture.merging import merged


def overlaps(level: Level) -> int:
    """Count the pairs of boxes that share an area."""
    return sum(
        a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
        for a, b in itertools.combinations(level.boxes, 2)
    )


def through_boxes(level: Level) -> int:
    """Count the parts of connections with a point in the middle of a box."""
    points = [
        ((x0 + x1) / 2, (y0 + y1) / 2)
        for route in level.routes
        for x0, y0, x1, y1 in (route[at : at + 4] for at in range(0, len(route) - 2, 2))
    ]
    return sum(
        box.x < x < box.x + box.width and box.y < y < box.y + box.height for x, y in points for box in level.boxes
    )


def test_equal_blocks_are_folded_even_with_added_casts() -> None:
    """Given twelve equal blocks with casts in some, then the coarsest level has one box for them, the next one each."""
    levels = compared(blocks(12), cast_every=17).levels
    (fold,) = [box for box in levels[0].boxes if box.repeats > 1]
    assert (fold.repeats, fold.title) == (12, "12 × layers")
    assert len(fold.nodes) == 12 * len(BLOCK) + 5
    middle = levels[1]
    assert sum(len(box.nodes) >= len(BLOCK) for box in middle.boxes) == 12
    assert [len(box.nodes) for box in levels[-1].boxes] == [1] * (2 + 12 * len(BLOCK) + 5)


def test_every_level_holds_each_operator_once_without_overlaps() -> None:
    """Given levels, then each has all operators once, no two boxes overlap, and no connection runs through a box."""
    result = compared(blocks(9), cast_every=5)
    for level in result.levels:
        assert sorted(at for box in level.boxes for at in box.nodes) == list(range(len(result.nodes)))
        assert overlaps(level) == 0 and through_boxes(level) == 0


def test_added_operator_is_between_its_neighbors() -> None:
    """Given a cast that the second model puts between two operators, then it replaces their connection."""
    nodes, first, second = changed(blocks(1), cast_every=100)
    order, edges = merged(nodes, first, second)
    names = [nodes[at].b for at in order]
    cast = names.index("cast3")
    assert (cast - 1, cast) in edges and (cast, cast + 1) in edges
    assert (cast - 1, cast + 1) not in edges


def test_slow_operator_is_wide() -> None:
    """Given one operator a hundred times as slow as another, then its box is wider, and both are readable."""
    result = compared(blocks(1))
    width = {result.nodes[box.nodes[0]].op: box.width for box in result.levels[-1].boxes}
    assert width["MatMul"] > 1.5 * width["Gelu"] > 100


def test_loop_of_connections_is_drawn() -> None:
    """Given graphs that are matched crosswise, so that their connections form a loop, then all boxes are laid out."""
    first = graph([node("a", "A", "x"), node("b", "B", "a:0")])
    second = graph([node("p", "B", "x"), node("new", "Cast", "p:0"), node("q", "A", "new:0")])
    nodes = (
        ChangedNode(a="a", b="q", op="A", status="unchanged"),
        ChangedNode(a="b", b="p", op="B", status="unchanged"),
        ChangedNode(a=None, b="new", op="Cast", status="added"),
    )
    (level,) = levels_of(nodes, first, second, RecordingContext(Path()))
    assert len(level.boxes) == 3 and overlaps(level) == 0
    assert len(level.routes) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_tiny_graphs_are_drawn(count: int) -> None:
    """Given no operator or one, then there is no level, or one with one box."""
    first = [node("only", "Conv", "x")]
    nodes, one, other = changed(first)
    levels = levels_of(nodes[:count], one, other, RecordingContext(Path()))
    assert [len(level.boxes) for level in levels] == [1] * count


@pytest.mark.whole
def test_fifty_thousand_operators_stay_folded() -> None:
    """Given 50,000 operators, of equal blocks or of none, then no level has more boxes than can be drawn."""
    for first in (blocks(8_333), [node(f"n{at}", f"Op{at * at % 977}", f"n{at - 1}:0") for at in range(50_000)]):
        levels = compared(first).levels
        assert len(levels[0].boxes) <= COARSE and len(levels[-1].boxes) <= FINE
        assert sum(len(box.nodes) for box in levels[-1].boxes) == len(first)


def test_layout_is_cancelled(tmp_path: Path) -> None:
    """Given a cancelled job, then the picture is not finished."""
    nodes, first, second = changed(blocks(3))
    with pytest.raises(JobCancelled):
        levels_of(nodes, first, second, RecordingContext(tmp_path, cancel_after=1))
