"""Words about what changed: order of the list, figures and links of reasons."""

import pytest

from workers.contracts.after.change_words import (
    ends_of,
    error_words,
    facts_of,
    ms_words,
    nodes_of,
    summary,
    worst_first,
)
from workers.contracts.after.changes import ChangedNode, DiffResult, Histograms, Reason


def node(name: str | None, status: str = "unchanged", **more: object) -> ChangedNode:
    return ChangedNode(a=name, b=more.pop("b", name), op="Conv", status=status, **more)


def test_values_that_are_not_finite_come_first() -> None:
    """Given NaN in one model, errors and none, then the list begins with NaN, then goes by error, then by status and
    time; NaN in both models is no difference."""
    nodes = (
        node("same", ms_b=1.0), node("slow", ms_b=2.0), node("small", error=0.01), node("large", error=0.5),
        node("broken", nan="b"), node("both", nan="both"), node(None, "added", b="cast"),
    )  # fmt: skip
    order = [nodes[at].a or nodes[at].b for at in worst_first(nodes)]
    assert order == ["broken", "large", "small", "cast", "slow", "same", "both"]


def test_histograms_are_bars_of_one_scale() -> None:
    """Given values of both models, When they are shown, Then the fullest part has the highest bar, an empty one none."""
    facts = dict(facts_of(node("conv", histograms=Histograms(low=-1.5, high=2, a=(0, 8, 4), b=(1, 0, 7)))))
    assert facts["Values before"] == "-1.5 \u2007█▄ 2" and facts["Values after"] == "-1.5 ▁\u2007▇ 2"


def test_equal_ends_of_names_are_told_apart_by_the_part_that_differs() -> None:
    """Given operators whose names end alike, When they are shortened, Then the block in which they differ is beside."""
    names = ("/net/block.1/conv/Conv", "/net/block.2/conv/Conv", "/net/head/Gemm", "top")
    expected = [("conv/Conv", "block.1"), ("conv/Conv", "block.2"), ("head/Gemm", ""), ("top", "")]
    assert ends_of([node(name) for name in names]) == expected


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((1.234, 0.5), "1.23 → 0.500 ms"), ((0.001, 0.002), "<0.01 ms"), ((None, 1.0), "– → 1.00 ms"),
        ((None, None), "–"), ((1234.5,), "1,234 ms"),
    ],
)  # fmt: skip
def test_times_are_worded(sides: tuple[float | None, ...], expected: str) -> None:
    """Given times of one or both models, then they have three digits and one unit, and nothing is invented."""
    assert ms_words(*sides) == expected


def test_errors_are_percentages() -> None:
    """Given errors of any size, then large ones are whole percents, and unknown ones a dash."""
    shown = [error_words(node("n", error=error)) for error in (None, 0.0, 1e-9, 0.0123, 2.5)]
    assert shown == ["–", "0 %", "under 0.01 %", "1.2 %", "250 %"]


def test_reason_names_operators_but_not_their_parts() -> None:
    """Given a reason that names an operator of the second model, then the one that was fused into it is not meant."""
    nodes = (node("conv", b="conv_relu"), node("relu", "fused", b="conv_relu"), node("other"))
    assert nodes_of(Reason(code="c", text="", nodes=("conv_relu",)), nodes) == [0]
    assert nodes_of(Reason(code="c", text="", nodes=("relu",)), nodes) == [1]


def test_unknown_facts_are_left_out() -> None:
    """Given an operator of which only name and kind are known, then there is no line without a value."""
    captions = [caption for caption, _text in facts_of(node("n"))]
    assert captions == ["What happened", "Kind", "Name before", "Name after"]
    one = DiffResult(nodes=(node("n"),))
    assert summary(one) == "1 operator: 1 unchanged."
