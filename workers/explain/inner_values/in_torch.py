"""Compute inner values of torch programs, operator by operator."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workers.explain.graphs.weights import number_type
from workers.explain.inner_values.base import InnerModel, Operator, Part, Run, Values, refusals
from workers.explain.rounding import coarsest
from workers.infer.torch_cpu import keywords, load_program


class TorchModel(InnerModel):
    """One exported program; its weights stay in memory."""

    def __init__(self, path: Path, threads: int) -> None:
        """Read the program next to the model file `path`.

        Raises:
            NotRunnable: there is no program.
        """
        import torch

        torch.set_num_threads(threads)
        program, (names, _) = load_program(torch, path)
        self._torch, self._module = torch, program.module()
        self._interpreter = torch.fx.Interpreter(self._module, garbage_collect_values=False)
        self.inputs = tuple(keywords(program) or names)
        self._nodes = {node.name: node for node in self._module.graph.nodes}
        placeholders = [node for node in self._nodes.values() if node.op == "placeholder"]
        self._names = {node.name: name for node, name in zip(placeholders, self.inputs, strict=True)}
        self._types: dict[str, Any] = {}
        self.operators = tuple(self._read())

    def _read(self) -> Iterable[Operator]:
        constants: dict[str, list[Any]] = {}
        for node in self._nodes.values():
            if node.op in ("placeholder", "output"):
                continue
            own = [one for source in node.all_input_nodes for one in constants.get(source.name, ())]
            if node.op == "get_attr":
                own = [self._interpreter.fetch_attr(node.target)]
            reads = [self._names.get(one.name, one.name) for one in node.all_input_nodes if one.name not in constants]
            if not reads:
                constants[node.name] = own
                continue
            tensors = [one for one in own if isinstance(one, self._torch.Tensor)]
            kind = coarsest(number_type(str(one.dtype)) for one in tensors)
            size = sum(one.numel() * one.element_size() for one in tensors)
            yield Operator(node.name, tuple(dict.fromkeys(reads)), (node.name,), size, kind)

    def start(self, part: Part) -> Run:
        """Return a function that interprets the part's operators."""
        chosen = [self._nodes[operator.name] for operator in part.operators]
        own = {name: placeholder for placeholder, name in self._names.items()}

        def run(feeds: Values) -> Values:
            fed = {self._nodes[own.get(name, name)]: self._tensor(name, feeds[name]) for name in part.takes}
            values = _Values(self._interpreter, fed)
            made: dict[str, Any] = {}
            with refusals(), self._torch.inference_mode():
                self._interpreter.env = values
                for node in chosen:
                    made[node.name] = self._interpreter.run_node(node)
                    if node not in fed:  # a fed value is read by all operators, the computed one is only returned
                        values[node] = made[node.name]
            return {name: self._array(name, made[name]) for name in part.gives}

        return run

    def _tensor(self, name: str, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        tensor = self._torch.from_numpy(np.array(value))
        return tensor.to(self._types.get(name, tensor.dtype))

    def _array(self, name: str, value: Any) -> Any:
        if not isinstance(value, self._torch.Tensor):
            return value
        self._types[name] = value.dtype
        return (value.float() if value.dtype == self._torch.bfloat16 else value).numpy().copy()


class _Values(dict[Any, Any]):
    """Values by node; those of constants are computed when they are read."""

    def __init__(self, interpreter: Any, values: Mapping[Any, Any]) -> None:
        super().__init__(values)
        self._interpreter = interpreter

    def __contains__(self, node: object) -> bool:
        return True

    def __missing__(self, node: Any) -> Any:
        self[node] = self._interpreter.run_node(node)
        return self[node]
