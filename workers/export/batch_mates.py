"""Whether the answer to an item depends on what else is in its batch.

ONNX's dynamic quantization takes one range for a whole tensor of activations (onnx.ai, DynamicQuantizeLinear), so that
one large item makes the numbers of all others in its batch coarse. Versions are proven item by item.
"""

from pathlib import Path

from workers.model_io.readers.onnx_graph import nodes

ONE_RANGE = frozenset(["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"])


def depends_on_mates(folder: Path) -> bool:
    """Whether any ONNX file of this version takes a range over all items at once."""
    import onnx

    graphs = (onnx.load(str(path), load_external_data=False) for path in sorted(folder.rglob("*.onnx")))
    return any(node.op_type in ONE_RANGE for graph in graphs for node in nodes(graph))
