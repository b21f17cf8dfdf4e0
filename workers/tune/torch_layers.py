"""Measure the operators of a torch.export program with PyTorch's own profiler."""

import math
from functools import partial
from typing import Any

from workers.contracts.after.changes import Layer
from workers.infer import torch_cpu
from workers.infer.base import Arrays
from workers.tune.timing_runs import PRECISIONS, Profile, Profiler, Target, timed

MARK = "fettle::"
VIEWS = frozenset(
    f"aten::{name}" for name in ("as_strided", "expand", "permute", "t", "transpose", "unsqueeze", "view")
)
"""Operators that only describe memory anew; a first one can take longer than the product of a small layer."""


class TorchProfiler(Profiler):
    """One exported module that is run operator by operator."""

    def __init__(self, target: Target, feeds: Arrays, threads: int) -> None:
        """Open the program next to the model and run it once.

        Raises:
            NotRunnable: there is no program.
        """
        import torch

        super().__init__()
        self._torch, self.threads = torch, int(target.settings.get("num_threads", threads))
        torch.set_num_threads(self.threads)
        program, (inputs, _) = torch_cpu.load_program(torch, target.path)
        keywords = torch_cpu.keywords(program)
        given = {name: torch.from_numpy(feeds[name].copy()) for name in keywords or inputs}
        module = program.module()
        self._request = partial(module, **given) if keywords else partial(module, *given.values())
        self.free_sizes = any(not isinstance(size, int) for node in program.graph.nodes for size in _sizes(node))
        self.size = len(program.graph.nodes)
        self._marked = partial(_marking(torch, module).run, *given.values(), enable_io_processing=False)
        self._facts = {node.name: _facts(node) for node in module.graph.nodes}
        self._layers_of_run()

    def run(self, times: int = 1) -> None:
        """Run the request `times` times, as one turn."""
        with self._torch.inference_mode():
            request_ms = [timed(self._request) for _ in range(times)]
        self.add([self._layers_of_run() for _ in range(times)], request_ms)

    def _layers_of_run(self) -> list[Layer]:
        activities = [self._torch.profiler.ProfilerActivity.CPU]
        with self._torch.inference_mode(), self._torch.profiler.profile(activities=activities) as profile:
            self._marked()
        return [_layer(event) for event in profile.events() if event.name.startswith(MARK)]

    def close(self) -> Profile:
        """Return what was measured, and release the program."""
        del self._request, self._marked
        return self.profile(self._facts)


def _sizes(node: Any) -> tuple[Any, ...]:
    value = node.meta.get("val")
    return tuple(value.shape) if node.op == "placeholder" and hasattr(value, "shape") else ()


def _facts(node: Any) -> dict[str, Any]:
    """Return the number format and the number of values of an operator's first output, where the program has them."""
    value = node.meta.get("val")
    value = value[0] if isinstance(value, (list, tuple)) and value else value
    shape = getattr(value, "shape", None)
    if shape is None or not all(isinstance(size, int) for size in shape):
        return {}
    kind = str(value.dtype).removeprefix("torch.")
    return {"precision": PRECISIONS.get(kind.replace("float32", "float"), ""), "values": math.prod(shape)}


def _marking(torch: Any, module: Any) -> Any:
    """Return an interpreter of the module that marks each operator in the profile by its name and kind."""
    steps = torch.fx.Interpreter(module)
    run_unmarked = steps.run_node

    def run_marked(node: Any) -> Any:
        if node.op in ("placeholder", "output", "get_attr"):
            return run_unmarked(node)
        with torch.profiler.record_function(f"{MARK}{node.name}::{node.target}"):
            return run_unmarked(node)

    steps.run_node = run_marked
    return steps


def _layer(event: Any) -> Layer:
    """Return the layer of one marked range; its kernel is the innermost operator that took most of the time."""
    name, _, kind = event.name.removeprefix(MARK).partition("::")
    kernel, least_us = "", 0.0  # the range itself also holds the interpreter's time, which counts for no operator
    deepest = event
    while inside := [child for child in deepest.cpu_children if child.name not in VIEWS]:
        longest = max(inside, key=lambda child: child.cpu_time_total)
        if 2 * longest.cpu_time_total <= least_us:
            break
        deepest, kernel, least_us = longest, longest.name, longest.cpu_time_total
    ms = sum(child.cpu_time_total for child in event.cpu_children) / 1000
    return Layer(name=name, kind=kind, ms=ms, origins=(name,), kernel=kernel)
