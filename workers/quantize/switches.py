"""Build a model in which one layer at a time computes in 8 bits, to measure the error of each layer.

Each layer becomes an If: its 8-bit form if it is the chosen one, else its original form. One session serves all layers.
"""

from collections.abc import Sequence
from typing import Any

from workers.convert.graphs import onnx_files
from workers.quantize.calibrating.sensitivity import CHOSEN
from workers.quantize.learning.layers import original_inputs


def add_switches(proto: Any, original: Any, names: Sequence[str]) -> None:
    """Make these layers of the quantized model `proto` switchable, in place; their numbers are their places in `names`.

    The model gets the input `CHOSEN` (int64, a scalar).
    """
    from onnx import TensorProto, helper

    graph = proto.graph
    inputs = original_inputs(proto, original, names)
    nodes: list[Any] = []
    for node in graph.node:
        if node.name not in inputs:
            nodes.append(node)
            continue
        number = names.index(node.name)
        chosen, condition = f"fettle_number_{number}", f"fettle_is_{number}"
        graph.initializer.append(helper.make_tensor(chosen, TensorProto.INT64, [], [number]))
        nodes.append(helper.make_node("Equal", [CHOSEN, chosen], [condition]))
        branches = {
            f"{branch}_branch": _branch(node, f"fettle_{number}_{branch}", read)
            for branch, read in (("then", list(node.input)), ("else", inputs[node.name]))
        }
        nodes.append(helper.make_node("If", [condition], list(node.output), name=f"fettle_{number}_switch", **branches))
    onnx_files.set_nodes(graph, nodes)
    graph.input.append(helper.make_tensor_value_info(CHOSEN, TensorProto.INT64, []))
    del graph.value_info[:]


def _branch(node: Any, output: str, inputs: list[str]) -> Any:
    from onnx import TensorProto, helper

    copy = onnx_files.copied(node)
    copy.name = copy.output[0] = output
    copy.input[:] = inputs
    return helper.make_graph([copy], output, [], [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)])
