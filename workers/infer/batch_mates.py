"""Whether the answer to an item depends on what else is in its batch.

ONNX's dynamic quantization takes one range for a whole tensor of activations (onnx.ai, DynamicQuantizeLinear), so that
one large item makes the numbers of all others in its batch coarse. Versions are proven item by item.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

ONE_RANGE = frozenset(["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"])


def depends_on_mates(folder: Path) -> bool:
    """Whether any ONNX file of this version takes a range over all items at once."""
    import onnx

    models = (onnx.load(str(path), load_external_data=False) for path in sorted(folder.rglob("*.onnx")))
    bodies = (body for model in models for body in (model.graph, *model.functions))
    return any(kind in ONE_RANGE for body in bodies for kind in _operators(body))


def _operators(body: Any) -> Iterator[str]:
    """Of a graph or a function, branches and loops too."""
    for node in body.node:
        yield node.op_type
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _operators(inner)
