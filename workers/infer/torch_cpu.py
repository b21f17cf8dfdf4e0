"""Run the torch.export program `model.pt2` next to `model.onnx` on the processor with PyTorch.

With the setting `compile` it is compiled when it is opened; where that is impossible it runs uncompiled and reports it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, NotRunnable, Refusal, Runtime, SessionOptions, check_settings, installed, run_in_parts
from .torch_archive import check_archive, tensors_only
from .torch_compile import NotCompiled, compile_module, why_not_compile
from .words import Words

PROGRAM_FILE = "model.pt2"
NAMES_FILE = "names.json"
"""Extra file inside the program with the ONNX model's names: ``{"inputs": [...], "outputs": [...]}``."""

NUMBERS = {"fp16": "float16", "bf16": "bfloat16"}
"""Values of the setting ``precision`` and torch's names of these number formats."""

KNOWN_SETTINGS: dict[str, tuple[type, ...]] = {"num_threads": (int,), "compile": (bool,)}


class TorchSession:
    """One exported module; inputs are passed by name if it was exported so, else in the order of the model's inputs.

    With `precision` ("fp16", "bf16") weights and inner values have that format; inputs and predictions keep their own.
    """

    def __init__(
        self, torch: Any, program: Any, names: tuple[list[str], list[str]], device: str, precision: str = ""
    ) -> None:
        """Wrap a loaded program.

        Args:
            torch: the imported library.
            program: the exported program.
            names: the names of the model's inputs and outputs.
            device: torch's device name.
            precision: number format of the weights; "" keeps the program's own.
        """
        self._torch = torch
        self._numbers = getattr(torch, NUMBERS[precision]) if precision else None
        self._inputs, self._outputs = names
        self._keywords = keywords(program)
        order = self._keywords or self._inputs
        self._shapes = dict(zip(order, _input_shapes(program), strict=True))
        self._module: Any = program.module()
        if self._numbers is not None:
            self._module = with_numbers(torch, self._module, self._numbers)
        self._device = device
        self.device_ran = device
        self.fallbacks: tuple[str, ...] = ()
        self._examples: tuple[Any, Mapping[str, Any]] | None = program.example_inputs

    def compile(self, threads: int) -> None:
        """Compile the module for requests of one item; code for larger batches is compiled when one first comes.

        Takes some seconds to a minute. Where it is impossible, `fallbacks` states why and the module stays uncompiled.
        """
        try:
            on_card = self._device.startswith("cuda")
            self._module = compile_module(self._torch, self._module, self._call_with_one, threads, on_card=on_card)
        except NotCompiled as error:
            words = Words("Compiling: {0}; PyTorch runs the model as it is, which is slower", error)
            self.fallbacks = (*self.fallbacks, words)

    def _call_with_one(self, module: Any) -> None:
        """Call the module as `_run` does, with the first item of the example inputs of the export."""
        if self._examples is None:
            raise NotCompiled("the torch program holds no inputs to compile it with")
        positional, by_name = self._examples
        given = [by_name[name] for name in self._keywords] if self._keywords else positional
        one = {
            name: self._tensor((value[:1] if self._shapes[name][:1] == (None,) else value).cpu().numpy().copy())
            for name, value in zip(self._shapes, given, strict=True)
        }
        self._call(module, one)

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch; split the batch where the model takes one item at a time."""
        return run_in_parts(self._run, feeds, self._shapes)

    def _run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        with self._torch.inference_mode():
            return self._arrays(self._call(self._module, self._given(feeds)))

    def _given(self, feeds: Mapping[str, NDArray[np.generic]]) -> dict[str, Any]:
        return {name: self._tensor(feeds[name]) for name in self._inputs}

    def _call(self, module: Any, tensors: Mapping[str, Any]) -> Any:
        return module(**tensors) if self._keywords else module(*tensors.values())

    def _arrays(self, given: Any) -> Arrays:
        answers = [answer for answer in self._torch.utils._pytree.tree_leaves(given) if answer is not None]
        arrays = [(one.float() if one.dtype == self._numbers else one).cpu().numpy() for one in answers]
        # a prediction may share memory with an input or a constant of the module
        return {name: np.array(array) for name, array in zip(self._outputs, arrays, strict=True)}

    def _tensor(self, array: NDArray[np.generic]) -> Any:
        writable = array if array.flags.writeable else array.copy()  # torch warns about read-only memory
        tensor = self._torch.from_numpy(writable).to(self._device)
        return tensor.to(self._numbers) if self._numbers is not None and tensor.dtype == self._torch.float32 else tensor

    def close(self) -> None:
        """Release the module."""
        self._module = None


def with_numbers(torch: Any, module: Any, dtype: Any) -> Any:
    """Return the module with its weights and all float32 constructions of its graph changed to `dtype`."""

    def changed(value: Any) -> Any:
        return dtype if value is torch.float32 else value

    module = module.to(dtype)
    for node in module.graph.nodes:
        node.args = torch.fx.node.map_aggregate(node.args, changed)
        node.kwargs = torch.fx.node.map_aggregate(node.kwargs, changed)
    module.recompile()
    return module


def keywords(program: Any) -> list[str]:
    """Return the program's keyword arguments in its own order; empty where it takes positional ones."""
    positional, by_name = program.call_spec.in_spec.children()
    return [] if positional.num_children else [str(name) for name in by_name.context or ()]


def _input_shapes(program: Any) -> list[tuple[int | None, ...]]:
    wanted = program.graph_signature.user_inputs
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    return [tuple(size if isinstance(size, int) else None for size in nodes[name].meta["val"].shape) for name in wanted]


def load_program(torch: Any, path: Path) -> tuple[Any, tuple[list[str], list[str]]]:
    """Return the program next to the model file `path`, and the names of its inputs and outputs.

    Raises:
        NotRunnable: there is no program, or the file holds more than a program; then none of it is loaded.
    """
    program_path = path.parent / PROGRAM_FILE
    if not program_path.is_file():
        raise NotRunnable(Words("no torch source is known for this model, so PyTorch cannot run it"))
    extra: dict[str, str] = {NAMES_FILE: ""}
    check_archive(torch, program_path)
    try:
        with tensors_only():
            program = torch.export.load(str(program_path), extra_files=extra)
    except Exception as error:  # torch raises many types here
        raise NotRunnable(error) from error
    names = json.loads(extra[NAMES_FILE]) if extra[NAMES_FILE] else _names_from_info(path)
    inputs, outputs = list(names["inputs"]), list(names["outputs"])
    by_name = keywords(program)
    if len(inputs) != len(program.graph_signature.user_inputs) or (by_name and set(by_name) != set(inputs)):
        raise NotRunnable(Words("the torch program takes other inputs than the model next to it"))
    return program, (inputs, outputs)


def _names_from_info(path: Path) -> dict[str, list[str]]:
    info_path = path.parent / "info.json"
    if not info_path.is_file():
        raise NotRunnable(Words("the torch program does not contain the names of its inputs"))
    info = json.loads(info_path.read_text(encoding="utf-8"))
    return {side: [entry["name"] for entry in info[side]] for side in ("inputs", "outputs")}


def load(path: Path, settings: Mapping[str, Any], threads: int) -> TorchSession:
    """Open the program next to `path`.

    Raises:
        NotRunnable: there is no program.
    """
    check_settings(settings, KNOWN_SETTINGS)
    import torch

    threads = int(settings.get("num_threads", threads))
    torch.set_num_threads(threads)
    program, names = load_program(torch, path)
    session = TorchSession(torch, program, names, "cpu")
    if settings.get("compile"):
        session.compile(threads)
    return session


def why_not(wanted: SessionOptions) -> Refusal | None:
    """Reject models without a torch program, recipes that change the exported model, and compiling that cannot work."""
    if not wanted.has_torch:
        return Refusal("no_torch_source", "No torch source is known for this model, so PyTorch cannot run it.")
    if wanted.steps:
        return Refusal("torch_as_it_is", "PyTorch runs the model's own program, which no technique has changed.")
    return why_not_compile(wanted.time_budget_s) if wanted.settings.get("compile") else None


RUNTIME = Runtime(
    id="torch-cpu",
    title="PyTorch (processor)",
    device="cpu",
    formats=("onnx",),
    requirements=("numpy", "torch"),
    available=partial(installed, "torch"),
    load=load,
    summary="Runs models that came with a torch source, as they were trained.",
    family="torch",
    torch_program=True,
    why_not=why_not,
)
