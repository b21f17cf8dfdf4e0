"""Compute how many bytes of weights each layer of a loaded OpenVINO model has."""

from typing import Any

DEEPEST = 5
"""Largest number of operators that unpack weights in few bits."""


UNPACKING = frozenset({"Convert", "Multiply", "Subtract", "Reshape", "FakeQuantize", "Transpose"})


def of_openvino(model: Any) -> dict[str, int]:
    """Return {operator's name: bytes} of an `openvino.Model`; unpacked weights belong to the operator behind them."""
    found: dict[str, int] = {}
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind in ("Constant", "Result", "Parameter"):
            continue
        size = sum(_openvino_size(node.input_value(number).get_node(), DEEPEST) for number in range(len(node.inputs())))
        if size:
            found[node.get_friendly_name()] = size
    return found


def _openvino_size(node: Any, depth: int) -> int:
    """Return the bytes of the constants behind an input; 0 where anything but weights contributes to it."""
    if node.get_type_name() == "Constant":
        return int(node.get_byte_size())
    if depth == 0 or node.get_type_name() not in UNPACKING:
        return 0
    parts = [_openvino_size(node.input_value(number).get_node(), depth - 1) for number in range(len(node.inputs()))]
    return sum(parts) if all(parts) else 0
