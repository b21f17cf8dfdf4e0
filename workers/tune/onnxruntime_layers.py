"""Measure the layers that ONNX Runtime runs on the processor, from its profile and its optimized graph."""

import json
import math
import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from workers.contracts.after.changes import Layer
from workers.contracts.process.context import JobContext
from workers.infer import onnxruntime_cpu as engine
from workers.infer.base import Arrays
from workers.tune.timing_runs import PRECISIONS, Profile, Profiler, Target, timed

KNOWN = ("num_threads", "graph_optimization")
TIMED, WHOLE = "_kernel_time", "model_run"
BLOCKED = "_nchwc"
"""Suffix of operators that compute in blocks of channels; ONNX Runtime names them after their output."""

RENAMED = re.compile(r"_token_\d+$")
"""Suffix of operators that ONNX Runtime replaced, for example by one for another layout."""

IN_8_BITS = frozenset({"DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "QAttention", "MatMulIntegerToFloat"})
"""Operators that take numbers in 32 bits and round them for products in 8 bits."""

LARGEST, LARGEST_TWICE = 1 << 29, 1 << 27
"""Largest model whose optimized graph is written, in bytes, and that is opened again to time it without the profiler.

The profiler takes some microseconds for each layer, so that a request with it says nothing about what is between them.
"""


class OnnxRuntimeProfiler(Profiler):
    """One inference session that writes a profile."""

    def __init__(self, target: Target, feeds: Arrays, ctx: JobContext, fixed: bool = False) -> None:
        """Open the model and run it once; `fixed` sets the sizes of its inputs to those of the request.

        Raises:
            NotRunnable: ONNX Runtime refuses the model.
        """
        super().__init__()
        library = engine.import_library()
        known = {name: value for name, value in target.settings.items() if name in KNOWN}
        sizes = _free_sizes(target.path, feeds) if fixed else {}

        def options() -> Any:
            made = engine.make_options(library, known, ctx.threads)
            for name, length in sizes.items():
                made.add_free_dimension_override_by_name(name, length)
            return made

        size = sum(file.stat().st_size for file in target.path.parent.glob(f"{target.path.stem}*"))  # weights beside it
        profiling = options()
        self.threads, self._feeds, self._path = profiling.intra_op_num_threads, dict(feeds), target.path
        self._optimized = ctx.work_dir / "optimized.onnx"
        if size < LARGEST:
            profiling.optimized_model_filepath = str(self._optimized)
            weights = self._optimized.with_suffix(".data").name
            profiling.add_session_config_entry("session.optimized_model_external_initializers_file_name", weights)
        profiling.enable_profiling = True
        profiling.profile_file_prefix = str(ctx.work_dir / f"profile{id(self)}")
        start = partial(engine.start, library, target.path, providers=["CPUExecutionProvider"])
        self._session = start(options=profiling)
        self._plain = start(options=options()) if size < LARGEST_TWICE else None
        self._origins = self._read_origins()
        self.free_sizes = any(
            not isinstance(size, int) for entry in self._session.get_inputs() for size in entry.shape or ()
        )
        self.size = self._origins.size
        self._timed: list[tuple[list[float], list[float]]] = []
        self._session.run(None, self._feeds)

    def _read_origins(self) -> "Origins":
        import onnx

        if not self._optimized.is_file():
            return Origins((), ())
        first, second = (onnx.load(str(path), load_external_data=False) for path in (self._path, self._optimized))
        for file in (self._optimized, self._optimized.with_suffix(".data")):
            file.unlink(missing_ok=True)
        return Origins(first.graph.node, second.graph.node)

    def run(self, times: int = 1) -> None:
        """Run the request `times` times, as one turn."""
        plain = self._plain
        profiled_ms = [timed(lambda: self._session.run(None, self._feeds)) for _ in range(times)]
        request_ms = [timed(lambda: plain.run(None, self._feeds)) for _ in range(times)] if plain is not None else []
        self._timed.append((profiled_ms, request_ms))

    def close(self) -> Profile:
        """Return what was measured since the first run, and remove the profile's file."""
        written = Path(self._session.end_profiling())
        del self._session, self._plain
        runs = read_runs(json.loads(written.read_text(encoding="utf-8")))
        written.unlink()
        order = [(name, event["args"]["op_name"]) for name, event, _ in next(runs)]
        for profiled_ms, request_ms in self._timed:
            layers = [[_layer(*one) for one in run] for run in islice(runs, len(profiled_ms))]
            self.add(layers, request_ms, profiled_ms)
        return self.profile(self._origins.by_layer(order))


Event = dict[str, Any]


def read_runs(events: Iterable[Event]) -> Iterator[list[tuple[str, Event, float]]]:
    """Yield the layers of each run in their order: name, event, milliseconds without those of the layers inside it."""
    inside: list[Event] = []
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(TIMED):
            inside.append(event)
        elif name == WHOLE:
            yield _own_times(sorted(inside, key=lambda one: (one["ts"], -one["dur"])))
            inside = []


def _own_times(events: list[Event]) -> list[tuple[str, Event, float]]:
    rows: list[tuple[str, Event, float]] = []
    around: list[int] = []
    for event in events:
        while around and rows[around[-1]][1]["ts"] + rows[around[-1]][1]["dur"] < event["ts"] + event["dur"]:
            around.pop()
        name, report = event["name"].removesuffix(TIMED), event["args"]
        if around:
            outer, parent, ms = rows[around[-1]]
            rows[around[-1]] = (outer, parent, max(ms - event["dur"] / 1000, 0.0))
            if name == made_name(report["op_name"], report["node_index"]):  # other graphs have it as well
                name = f"{outer}/{name}"
        around.append(len(rows))
        rows.append((name, event, event["dur"] / 1000))
    return rows


def made_name(kind: str, number: object) -> str:
    """Return ONNX Runtime's name of an operator without a name: its kind and its position in the file."""
    return f"{kind}_{number}"


def _layer(name: str, event: Event, own_ms: float) -> Layer:
    report = event["args"]
    provider = str(report.get("provider", "")).removesuffix("ExecutionProvider")
    scheduled = (report.get("thread_scheduling_stats") or {}).get("main_thread", {})
    return Layer(
        name=name,
        kind=str(report["op_name"]),
        ms=own_ms,
        precision=_precision_of(report),
        kernel=f"{provider} {report['op_name']}{' NCHWc' if name.endswith(BLOCKED) else ''}".strip(),
        parallel=bool(scheduled["block_size"]) if "block_size" in scheduled else None,
        values=_values(report),
    )


def _precision_of(report: Mapping[str, Any]) -> str:
    """Return the number format of the first input whose type is known; some round them to 8 bits."""
    entries = report.get("input_type_shape") or report.get("output_type_shape") or ()
    known = [PRECISIONS[kind] for entry in entries for kind in entry if kind in PRECISIONS]
    if report["op_name"] in IN_8_BITS and "int8" in known:
        return "int8"
    return known[0] if known else ""


def _values(report: Mapping[str, Any]) -> int | None:
    return next((math.prod(shape) for entry in report.get("output_type_shape") or () for shape in entry.values()), None)


def _free_sizes(path: Path, feeds: Arrays) -> dict[str, int]:
    """Return the request's value of each named size of the inputs."""
    import onnx

    return {
        size.dim_param: int(given)
        for entry in onnx.load(str(path), load_external_data=False).graph.input
        if entry.name in feeds
        for size, given in zip(entry.type.tensor_type.shape.dim, feeds[entry.name].shape, strict=True)
        if size.dim_param
    }


class Origins:
    """Which operators of the file each operator of ONNX Runtime's optimized graph computes."""

    def __init__(self, original: Sequence[Any], optimized: Sequence[Any]) -> None:
        """Index both lists of nodes; `optimized` is empty where that graph was not written."""
        self._makers = {value: node for node in original for value in node.output}
        self._kept = {node.name or made_name(node.op_type, number): node for number, node in enumerate(original)}
        self._named = {node.name: node for node in optimized if node.name}
        self._unnamed: dict[str, deque[Any]] = defaultdict(deque)
        for node in optimized:
            if not node.name:
                self._unnamed[node.op_type].append(node)
        self.size = max(len(original), len(optimized))

    def by_layer(self, layers: Iterable[tuple[str, str]]) -> dict[str, dict[str, Any]]:
        """Return the origins by layer's name; `layers` are names and kinds in the order of execution."""
        results = {name: self._results(name, kind) for name, kind in layers}
        known = {value for values in results.values() for value in values}
        taken: set[str] = set()
        return {name: {"origins": tuple(self._covered(values, known, taken))} for name, values in results.items()}

    def _results(self, name: str, kind: str) -> list[str]:
        """Return the values of the original graph that a layer gives."""
        if kind in ("ReorderInput", "ReorderOutput"):
            return []
        if name.endswith(BLOCKED):
            return [name.removesuffix(BLOCKED)]
        waiting = self._unnamed[kind] if "/" not in name else None
        node = self._named.get(name) or (waiting.popleft() if waiting else None)
        known = [value for value in node.output if value in self._makers] if node is not None else []
        kept = self._kept.get(name) or self._kept.get(RENAMED.sub("", name))
        return known or list(kept.output if kept is not None else ())

    def _covered(self, results: Sequence[str], known: Collection[str], taken: set[str]) -> list[str]:
        """Return the original operators between a layer's results and the values that other layers give.

        An operator that several layers might compute belongs to the first of them; `taken` collects all.
        """
        covered: dict[str, None] = {}
        todo = list(results)
        while todo:
            maker = self._makers.get(todo.pop())
            if maker is None or (name := maker.name or maker.output[0]) in taken:
                continue
            taken.add(name)
            covered[name] = None
            todo += [value for value in maker.input if value in results or value not in known]
        return list(reversed(covered))
