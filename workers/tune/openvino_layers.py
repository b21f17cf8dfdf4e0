"""Measure the layers that OpenVINO runs: its counters, and the kernels of its compiled graph."""

import math
from typing import Any

from workers.contracts.after.changes import Layer
from workers.infer.base import Arrays, NotRunnable
from workers.infer.openvino_program import import_library, options_of, read_model
from workers.tune.timing_runs import PRECISIONS, Profile, Profiler, Target, timed

SUFFIXES = ("f32", "f16", "bf16", "i8", "u8")
"""Suffixes of OpenVINO's kernel names."""

IDLE = "unknown"
"""Kernels of layers that mostly do nothing, such as a reshape without a copy."""

WARM_UP, WARM_UP_MS = 20, 200.0
"""Most runs before the first turn and their time: turns of fast models begin with enough runs to be alike."""

CUT_OFF_MS = 0.0005
"""Mean of what is lost where OpenVINO cuts the time of a layer to whole microseconds."""


class OpenVinoProfiler(Profiler):
    """One compiled model with its counters on."""

    def __init__(self, target: Target, feeds: Arrays, threads: int, fixed: bool) -> None:
        """Compile the model and run it once; `fixed` sets the sizes of its inputs to those of the request.

        Raises:
            NotRunnable: OpenVINO cannot run the model.
        """
        super().__init__()
        core = import_library().Core()
        settings = {name: value for name, value in target.settings.items() if name not in ("constants", "shapes")}
        shapes = {name: list(array.shape) for name, array in feeds.items()} if fixed else target.settings.get("shapes")
        options, _ = options_of(core, settings, threads)
        self.threads, self._feeds = options["INFERENCE_NUM_THREADS"], dict(feeds)
        try:
            model = read_model(core, target.path, dict(shapes or {}))
            self.free_sizes, self.size = model.is_dynamic(), len(model.get_ops())
            self._compiled = core.compile_model(model, "CPU", {**options, "PERF_COUNT": True})
            self._request = self._compiled.create_infer_request()
            first_ms = timed(lambda: self._request.infer(self._feeds))
            first = [entry for entry in self._request.profiling_info if not entry.exec_type.startswith(IDLE)]
            self._run_at_all = {entry.node_name for entry in first if _mean_ms(entry)}
            self._runs = 1 + min(WARM_UP, int(WARM_UP_MS / first_ms))
            for _ in range(self._runs - 1):
                self._request.infer(self._feeds)
            entries = self._request.profiling_info
            self._spent_ms = {entry.node_name: _mean_ms(entry) * self._runs for entry in entries}
        except RuntimeError as error:
            raise NotRunnable(error) from error

    def run(self, times: int = 1) -> None:
        """Run the request as one turn: at most `times`, and half as many times as before.

        OpenVINO reports the mean over all runs in whole microseconds, of runs that it cuts to whole microseconds. So
        the difference of two sums is exact to the number of runs divided by those of the turn: to 3 microseconds.

        Raises:
            NotRunnable: OpenVINO fails on the request.
        """
        count = max(1, min(times, math.ceil(self._runs / 2)))
        try:
            request_ms = [timed(lambda: self._request.infer(self._feeds)) for _ in range(count)]
        except RuntimeError as error:
            raise NotRunnable(error) from error
        before, self._runs = self._spent_ms, self._runs + count
        entries = self._request.profiling_info
        self._spent_ms = {entry.node_name: _mean_ms(entry) * self._runs for entry in entries}
        spent = {name: max(total - before[name], 0.0) / count for name, total in self._spent_ms.items()}
        layers = [
            _layer(entry, spent[entry.node_name] + CUT_OFF_MS)
            for entry in entries
            if spent[entry.node_name] or entry.node_name in self._run_at_all
        ]
        self.add([layers], request_ms)

    def close(self) -> Profile:
        """Return what was measured, with the operators of the file that each layer computes."""
        about = {node.friendly_name: _facts(node) for node in self._compiled.get_runtime_model().get_ops()}
        return self.profile(about)


def _layer(entry: Any, ms: float) -> Layer:
    kernel = entry.exec_type
    return Layer(name=entry.node_name, kind=entry.node_type, ms=ms, precision=kernel_precision(kernel), kernel=kernel)


def _mean_ms(entry: Any) -> float:
    return float(entry.real_time.total_seconds() * 1000)


def _facts(node: Any) -> dict[str, Any]:
    """Return a layer's original operators, its number of values and its kind, from the compiled graph.

    A reorder that changes the number format is a conversion; otherwise it changes the layout alone.
    """
    report = {name: str(value.value) for name, value in node.get_rt_info().items()}
    shape = node.get_output_partial_shape(0) if node.get_output_size() else None
    facts: dict[str, Any] = {"origins": tuple(name for name in report["originalLayersNames"].split(",") if name)}
    if shape is not None and shape.is_static:
        facts["values"] = math.prod(shape.to_shape())
    if report["layerType"] == "Reorder" and node.get_input_size():
        before = str(node.input_value(0).get_node().get_rt_info()["outputPrecisions"].value)
        facts["kind"] = "Reorder" if before == report["outputPrecisions"] else "Convert"
    return facts


def stem_of(name: str) -> str:
    """Return a layer's name without the suffixes that engines add."""
    return name.split("/WithoutBiases")[0].rsplit(":", 1)[0].removesuffix("_quant")


def kernel_precision(kernel: str) -> str:
    """Return the number format in a kernel's name: ``brgconv_avx512_1x1_bf16`` → bf16."""
    last = kernel.lower().rsplit("_", 1)[-1]
    return PRECISIONS.get(last, last) if last in SUFFIXES else ""
