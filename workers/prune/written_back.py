"""Write the weights of a torch copy back into its graph, with new sizes and the same outer names."""

from typing import Any

import numpy as np

from workers.convert.graphs import onnx_files
from workers.convert.replica.torch_replica import TorchReplica


def write_back(twin: TorchReplica) -> Any:
    """Return a new ModelProto with the copy's current weights; inputs, outputs and all else stay unchanged."""
    from onnx import numpy_helper

    proto = onnx_files.copied(twin.proto)
    new: dict[str, Any] = {name: parameter.detach().numpy() for name, parameter in twin.parameters.items()}
    for number, (step, node) in enumerate(zip(twin.steps, proto.graph.node, strict=True)):
        if step.layer is not None:
            for position, array in enumerate(step.layer.arrays(step.attributes), start=1):
                name = f"{node.input[position]}_{number}"  # two nodes may have shared one, and differ now
                node.input[position] = name
                new[name] = array
            for attribute in node.attribute:
                if attribute.name == "group":
                    attribute.i = step.layer.module.groups
        elif step.flat:
            name = f"{node.input[1]}_{number}"
            node.input[1] = name
            new[name] = np.array([0, -1], np.int64)
            attribute = next((a for a in node.attribute if a.name == "allowzero"), None)
            if attribute is not None:
                node.attribute.remove(attribute)
    kept = [tensor for tensor in proto.graph.initializer if tensor.name not in new]
    kept += [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in new.items()]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    del proto.graph.value_info[:]  # they hold the old sizes
    onnx_files.drop_unused(proto)
    return proto
