"""Why inner values differ: other weights, rounding, or values that are not finite."""

import pytest

from workers.contracts.after.changes import ChangedNode, Status
from workers.explain.difference import difference


def node(name: str, status: Status, error: float | None, **more: str) -> ChangedNode:
    return ChangedNode(a=name, b=name, op="Conv", status=status, error=error, **more)


@pytest.mark.parametrize(("status", "code"), [("rounded", "rounding"), ("replaced", "weights"), ("fused", "operator")])
def test_difference_names_the_operator_beyond_rounding(status: Status, code: str) -> None:
    """Given an operator beyond rounding, When the difference is explained, Then it is named with its kind of cause."""
    found = difference((node("first", "unchanged", 0.0), node("second", status, 0.4)), 1, "")
    assert found is not None and (found.code, found.nodes) == (code, ("second",))


def test_difference_at_a_part_of_a_rounded_operator_is_rounding() -> None:
    """Given an activation inside a rounded operator, When it differs beyond rounding, Then rounding is the cause."""
    conv = ChangedNode(a="conv", b="conv", op="Conv", status="rounded", error=0.01)
    found = difference((conv, ChangedNode(a="clip", b="conv", op="Clip", status="fused", error=0.3)), 1, "")
    assert found is not None and found.code == "rounding"


def test_difference_of_a_value_that_is_not_finite_has_its_own_code() -> None:
    """Given NaN in the second model, When the difference is explained, Then that is the cause."""
    found = difference((node("first", "unchanged", None, nan="b"),), 0, "")
    assert found is not None and found.code == "not_finite"


def test_difference_within_rounding_is_rounding_with_the_largest_error() -> None:
    """Given rounded operators and none beyond rounding, When it is explained, Then rounding is the cause."""
    nodes = (node("first", "rounded", 0.02, dtype_b="int8"), node("second", "rounded", 0.05, dtype_b="int8"))
    found = difference(nodes, None, "")
    assert found is not None and (found.code, found.nodes) == ("rounding", ("second",))


def test_difference_of_an_engine_with_fewer_bits_is_rounding() -> None:
    """Given the same file in BF16, When it is explained, Then rounding is the cause, and none in 32 bits."""
    nodes = (node("first", "unchanged", 0.004),)
    found = difference(nodes, None, "bf16")
    assert found is not None and found.code == "rounding"
    assert difference(nodes, None, "") is None
    assert difference((node("first", "unchanged", 0.0),), None, "bf16") is None
