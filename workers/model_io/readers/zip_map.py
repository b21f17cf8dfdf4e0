"""Replace the lists of maps that scikit-learn's ONNX converters output by the plain scores that they hold.

A classifier that skl2onnx or onnxmltools wrote ends with ZipMap (ai.onnx.ml), which makes of the scores (n, classes) a
list with one map {class: score} for each example. Only ONNX Runtime knows such outputs, and nothing can be compared in
them. The scores keep the output's name.
"""

from typing import Any

NAMES = ("classlabels_strings", "classlabels_int64s")


def unzip_scores(model: Any) -> tuple[str, ...]:
    """Change the graph of `model` (an `onnx.ModelProto`) in place; return the class names, () where none was found."""
    from onnx import TensorProto, helper

    graph = model.graph
    ends = {output.name: output for output in graph.output}
    names: tuple[str, ...] = ()
    for node in graph.node:
        if (node.op_type, node.domain) != ("ZipMap", "ai.onnx.ml") or node.output[0] not in ends:
            continue
        labels = next((a for a in node.attribute if a.name in NAMES), None)
        if labels is None:
            continue
        names = tuple(one.decode("utf-8", "replace") for one in labels.strings) or tuple(map(str, labels.ints))
        scores, output = node.input[0], node.output[0]
        node.CopyFrom(helper.make_node("Identity", [scores], [output], name=node.name))
        ends[output].CopyFrom(helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, len(names)]))
    return names
