"""Detect whether a prediction depends on the other items of its batch.

ONNX's dynamic quantization uses one range for a whole activation tensor (onnx.ai, DynamicQuantizeLinear). One large
item therefore makes the numbers of all other items in its batch coarser. Versions are evaluated item by item.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

ONE_RANGE = frozenset(["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"])


def depends_on_mates(folder: Path) -> bool:
    """Return whether any ONNX file of this version quantizes with one range over all items of a batch."""
    import onnx

    models = (onnx.load(str(path), load_external_data=False) for path in sorted(folder.rglob("*.onnx")))
    bodies = (body for model in models for body in (model.graph, *model.functions))
    return any(kind in ONE_RANGE for body in bodies for kind in _operators(body))


def _operators(body: Any) -> Iterator[str]:
    """Yield the operator types of a graph or a function, including those in branches and loops."""
    for node in body.node:
        yield node.op_type
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _operators(inner)
