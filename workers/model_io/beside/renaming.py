"""Give a model the original's names, number types and layout by changing only its inputs and outputs.

Names cost nothing. The model itself computes casts and layout changes, so they are part of the measured time. They cost
the same in any program that uses the file in the original's place.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.proof.elsewhere import MatchedTensor
from workers.infer.openvino_program import import_library
from workers.model_io.ready_made.openvino_ir import port_name
from workers.pipeline.spec import PipelineInput

BESIDE = "adapted"


def adapt_onnx(path: Path, pairs: Sequence[MatchedTensor], unfed: Sequence[PipelineInput]) -> None:
    """Rewrite the ONNX file at `path` with the original's interface; its separate weights stay unchanged."""
    import onnx_ir as ir

    model = ir.load(path)
    graph = model.graph
    ports = {"input": graph.inputs, "output": graph.outputs}
    edges = [(pair, next(port for port in ports[pair.side] if port.name == pair.other)) for pair in pairs]
    _make_room(graph, {*(pair.original for pair in pairs), *(entry.name for entry in unfed)})
    for pair, value in edges:
        if pair.side == "input":
            _adapt_input(ir, graph, pair, value)
        else:
            _adapt_output(ir, graph, pair, value)
    for entry in unfed:
        shape = ir.Shape(entry.shape)
        graph.inputs.append(ir.Value(name=entry.name, shape=shape, type=ir.TensorType(_dtype(ir, entry.dtype))))
    written = path.with_name(f"{BESIDE}-{path.name}")
    ir.save(model, written)
    written.replace(path)


def _dtype(ir: Any, name: str) -> Any:
    return ir.DataType.BFLOAT16 if name == "bfloat16" else ir.DataType.from_numpy(np.dtype(name))


def _make_room(graph: Any, wanted: set[str]) -> None:
    """Rename values that have one of the wanted names, because two values must not share a name."""
    taken = {value.name for value in _values(graph)}
    for value in list(_values(graph)):
        if value.name in wanted:
            number = 1
            while (name := f"{value.name}_of_the_file_{number}") in taken:
                number += 1
            taken.add(name)
            _rename(graph, value, name)


def _values(graph: Any) -> Iterator[Any]:
    yield from graph.inputs
    yield from graph.initializers.values()
    for node in graph.all_nodes():
        yield from node.outputs


def _rename(graph: Any, value: Any, name: str) -> None:
    old = value.name
    value.name = name
    if graph.initializers.get(old) is value:  # the graph stores initializers by name
        del graph.initializers[old]
        graph.initializers[name] = value
    if value.const_value is not None and value.is_initializer():
        value.const_value.name = name


def _steps(ir: Any, value: Any, axes: Sequence[int] | None, dtype: str | None, names: str) -> list[Any]:
    """Return the nodes that move the axes of `value` and then convert it, as far as given; `names` begins their names.

    A conversion to 16 bits and a move commute, so the order matters for neither side.
    """
    nodes: list[Any] = []
    kinds: list[tuple[str, dict[str, Any]]] = [] if axes is None else [("Transpose", {"perm": list(axes)})]
    kinds += [] if dtype is None else [("Cast", {"to": int(_dtype(ir, dtype))})]
    for number, (kind, attributes) in enumerate(kinds):
        node = ir.node(kind, [value], attributes, name=f"{names}_{number}")
        value = node.outputs[0]
        value.name = node.name
        nodes.append(node)
    return nodes


def _moved(ir: Any, shape: Any, axes: Sequence[int] | None) -> Any:
    return shape if axes is None or shape is None else ir.Shape([shape[axis] for axis in axes])


def _adapt_input(ir: Any, graph: Any, pair: MatchedTensor, value: Any) -> None:
    """Insert `original` → transpose → cast → the file's input."""
    if not pair.dtypes and not pair.transposed:
        _rename(graph, value, pair.original)
        return
    before, after = pair.dtypes or (None, None)
    back = None if pair.transposed is None else np.argsort(pair.transposed).tolist()
    kind = value.type if before is None else ir.TensorType(_dtype(ir, before))
    given = ir.Value(name=pair.original, shape=_moved(ir, value.shape, back), type=kind)
    nodes = _steps(ir, given, pair.transposed, after, f"{pair.original}_adapted")
    current = nodes[-1].outputs[0]
    current.shape, current.type = value.shape, value.type
    value.replace_all_uses_with(current, replace_graph_outputs=True)
    graph.inputs[list(graph.inputs).index(value)] = given
    first = next(iter(graph), None)
    if first is None:
        graph.extend(nodes)
    else:
        graph.insert_before(first, nodes)


def _adapt_output(ir: Any, graph: Any, pair: MatchedTensor, value: Any) -> None:
    """Insert the file's output → inverse transpose → cast → `original`."""
    shared = value.is_graph_input() or sum(output is value for output in graph.outputs) > 1
    if not pair.dtypes and not pair.transposed and not shared and not value.is_initializer():
        _rename(graph, value, pair.original)
        return
    wanted = pair.dtypes[0] if pair.dtypes is not None else None
    back = None if pair.transposed is None else np.argsort(pair.transposed).tolist()
    nodes = _steps(ir, value, back, wanted, f"{pair.original}_given") or [ir.node("Identity", [value])]
    current = nodes[-1].outputs[0]
    current.name, current.shape = pair.original, _moved(ir, value.shape, back)
    current.type = value.type if wanted is None else ir.TensorType(_dtype(ir, wanted))
    graph.extend(nodes)
    graph.outputs[next(at for at, output in enumerate(graph.outputs) if output is value)] = current


def adapt_ir(path: Path, pairs: Sequence[MatchedTensor], unfed: Sequence[PipelineInput]) -> None:
    """Rewrite an OpenVINO IR with the original's interface (`path` is the .xml, the .bin lies beside it)."""
    openvino = import_library()
    core = openvino.Core()
    model = core.read_model(str(path))
    places = {
        side: [port_name(port) for port in ports]
        for side, ports in (("input", model.inputs), ("output", model.outputs))
    }
    changed = _with_steps(openvino, model, [(pair, places[pair.side].index(pair.other)) for pair in pairs])
    for pair in pairs:
        ports = changed.inputs if pair.side == "input" else changed.outputs
        ports[places[pair.side].index(pair.other)].get_tensor().set_names({pair.original})
    for entry in unfed:  # inputs that nothing reads
        shape = openvino.PartialShape([-1 if size is None else size for size in entry.shape])
        made = openvino.opset13.parameter(shape, _type(openvino, entry.dtype), entry.name)
        made.output(0).get_tensor().set_names({entry.name})
        changed.add_parameters([made])
    written = path.with_name(f"{BESIDE}.xml")
    openvino.save_model(changed, str(written), compress_to_fp16=False)
    del changed, model  # the weights file is mapped while they live
    written.with_suffix(".bin").replace(path.with_suffix(".bin"))
    written.replace(path)


def _with_steps(openvino: Any, model: Any, pairs: Sequence[tuple[MatchedTensor, int]]) -> Any:
    """Return the model with casts and layout changes at its inputs and outputs, which OpenVINO adds itself."""
    steps = [(pair, index) for pair, index in pairs if pair.dtypes or pair.transposed]
    if not steps:
        return model
    from openvino.preprocess import PrePostProcessor

    prepared = PrePostProcessor(model)
    for pair, index in steps:
        edge = prepared.input(index) if pair.side == "input" else prepared.output(index)
        if pair.dtypes is not None:
            edge.tensor().set_element_type(_type(openvino, pair.dtypes[0]))
        if pair.transposed is not None:
            ours, theirs = ("NCHW", "NHWC") if pair.transposed[1] == 2 else ("NHWC", "NCHW")
            edge.model().set_layout(openvino.Layout(theirs))
            edge.tensor().set_layout(openvino.Layout(ours))
    return prepared.build()


def _type(openvino: Any, dtype: str) -> Any:
    short = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "bool": "boolean"}
    return getattr(openvino.Type, short.get(dtype) or dtype.replace("uint", "u").replace("int", "i"))
