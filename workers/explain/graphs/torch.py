"""Read the graph of a torch.export program beside a model; none of its code is run.

TorchScript and eager modules are not read: Fettle keeps only exported programs.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.explain.graph import ModelGraph
from workers.explain.graphs.building import GraphBuilder
from workers.explain.graphs.weights import Weight, number_type, shortened, weight_of_array
from workers.infer.base import NotRunnable

BY_BYTES = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
"""torch's number types that numpy lacks."""


def read(path: Path) -> ModelGraph:
    """Read the graph of the program beside the model file `path`.

    Raises:
        InputRefused: there is no program, or it holds more than a program.
    """
    import torch

    from workers.infer.torch_cpu import load_program

    try:
        program, (inputs, _example) = load_program(torch, path)
    except NotRunnable as error:
        raise InputRefused(
            "no_torch_program",
            "PyTorch's graph of this model cannot be read",
            _("There is no exported program that can be read beside {0}: {1}.").format(path.name, str(error)),
            "Compare the version for another engine.",
        ) from error
    reader = _Reader()
    own = dict(zip(program.graph_signature.user_inputs, inputs, strict=True))
    given = reader.read(program.graph_module, {**own, **reader.weights(program)}, 0, "")
    return ModelGraph(tuple(reader.nodes), tuple(inputs), tuple(given))


class _Reader(GraphBuilder):
    """Collects the operators of a program and of the branches inside it."""

    def weights(self, program: Any) -> dict[str, str]:
        """Store parameters, buffers and constants; return {placeholder: name of the weight}."""
        found = {}
        for spec in program.graph_signature.input_specs:
            if spec.target is None:
                continue
            tensor = program.state_dict.get(spec.target, program.constants.get(spec.target))
            found[spec.arg.name] = spec.target
            self.store(spec.target, [_weight(spec.target, tensor)] if hasattr(tensor, "dtype") else [])
        return found

    def read(self, module: Any, scope: dict[str, str], depth: int, above: str) -> list[str]:
        """Append the operators of a graph; `scope` gives the values' names by node. Return the values that it gives."""
        given: list[str] = []
        for node in module.graph.nodes:
            if node.op == "output":
                given = [scope[one.name] for one in node.all_input_nodes if one.name in scope]
            elif node.op == "placeholder":
                scope.setdefault(node.name, above + node.name)
            elif node.op == "call_function" and not _is_check(node):
                self._node(module, node, scope, depth, above)
        return given

    def _node(self, module: Any, node: Any, scope: dict[str, str], depth: int, above: str) -> None:
        value = node.meta.get("val")
        if node.target.__name__ == "getitem" and isinstance(node.args[0].meta.get("val"), list | tuple):
            source, number = scope[node.args[0].name], node.args[1]
            scope[node.name] = f"{source}:{number}" if number else source
            return
        name = self.names.unique(above + node.name)
        scope[node.name] = name
        read = [scope[one.name] for one in node.all_input_nodes if one.name in scope]
        inner = []
        for body in (getattr(module, one.target) for one in node.all_input_nodes if one.op == "get_attr"):
            if hasattr(body, "graph"):
                places = [one.name for one in body.graph.nodes if one.op == "placeholder"]
                own = dict(zip(places, read[-len(places) :] if places else [], strict=False))
                inner += self.read(body, own, depth + 1, f"{name}/")
        many = len(value) if isinstance(value, list | tuple) else 1
        first = value[0] if isinstance(value, list | tuple) and value else value
        self.add(
            name,
            _kind(node),
            read,
            (name, *(f"{name}:{number}" for number in range(1, many))),
            inner=inner,
            attributes=dict(_attributes(node)),
            dtype=number_type(str(first.dtype)) if hasattr(first, "dtype") else "",
            shape=_sizes(first) if hasattr(first, "shape") else None,
            depth=depth,
        )


def _is_check(node: Any) -> bool:
    return not node.users and "assert" in str(node.target)


def _kind(node: Any) -> str:
    """Return the operator's name without the forms of its arguments: aten.conv2d.default → conv2d."""
    return str(node.target).split(".")[1] if str(node.target).count(".") == 2 else str(node.target.__name__)


def _sizes(value: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in value.shape)


def _attributes(node: Any) -> Iterator[tuple[str, str]]:
    """Yield arguments that are no values, by their names."""
    schema = getattr(node.target, "_schema", None)
    names = [argument.name for argument in schema.arguments] if schema is not None else []
    given: Mapping[str, Any] = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    for name, value in given.items():
        if isinstance(value, bool | int | float | str) or (
            isinstance(value, list | tuple) and all(isinstance(one, int | float) for one in value)
        ):
            yield name, shortened(list(value) if isinstance(value, list | tuple) else value)


def _weight(name: str, tensor: Any) -> Weight:
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    flat = tensor.detach().reshape(-1)
    array = (flat.view(torch.uint8) if dtype in BY_BYTES else flat).numpy()
    return weight_of_array(name, number_type(dtype), tuple(tensor.shape), array)
