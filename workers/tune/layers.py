"""Measure the time of each layer of one version with its engine's own profiler."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contracts.after.changes import Layer
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.process.context import JobContext
from workers.infer.base import Arrays, NotRunnable, without_constants
from workers.quantize.calibrating import sensitivity
from workers.tune import tensorrt_layers

MAX_S, RUNS = 2.0, 8
MOST = 5000
PRECISIONS = {"float": "f32", "float16": "f16", "bfloat16": "bf16", "fp32": "f32", "fp16": "f16"}
PRECISIONS |= dict.fromkeys(("uint8", "int8", "i8", "u8"), "int8")
SUFFIXES = ("f32", "f16", "bf16", "i8", "u8")
"""Suffixes of OpenVINO's kernel names."""

TIMED = "_kernel_time"
DEEPEST = 5
"""Largest number of operators that unpack weights in few bits."""
UNPACKING = frozenset({"Convert", "Multiply", "Subtract", "Reshape", "FakeQuantize", "Transpose"})


@dataclass(frozen=True)
class Target:
    """The one program that is profiled."""

    path: Path
    runtime: str
    settings: dict[str, Any]
    part: str = ""


def target_of(folder: Path, runtime: str, settings: Mapping[str, Any]) -> Target:
    """Return the program to profile: a cascade's fast model, or the program for this request's size."""
    model = read_model(folder)
    merged = {**model.artifact.settings, **settings}
    plain = {name: value for name, value in merged.items() if name not in ("cascade", "buckets", "parts", "pixels")}
    own = dict(merged.get("cascade") or {})
    if own:
        path = folder / str(own.get("first_main", model.main.name))
        return Target(path, runtime, {**plain, **dict(own.get("first", {}))}, "The faster one of its two models.")
    if "parts" in merged:
        inner = dict(dict(merged["parts"])["encoder"].get("settings", {}))
        return Target(model.main, runtime, {**inner, **plain}, "The encoder, of its two parts.")
    part = "The program for the length of this request." if "buckets" in merged else ""
    return Target(model.main, runtime, plain, part)


def layers_of(target: Target, feeds: Arrays, ctx: JobContext) -> tuple[Layer, ...]:
    """Return all layers that took time, in execution order.

    Raises:
        InputRefused: the engine has no profiler, or cannot run the version with it.
    """
    by_engine = {"openvino": of_openvino, "tensorrt": _tensorrt}
    by_engine |= dict.fromkeys(("onnxruntime-cpu", "onnxruntime-cuda"), _onnxruntime)
    look = by_engine.get(target.runtime)
    if look is None:
        raise InputRefused(
            "layers_not_told",
            "This engine does not report where its time goes",
            f"{target.runtime} runs the model as a whole.",
            "Choose a version that runs in ONNX Runtime, OpenVINO or TensorRT.",
        )
    constants = dict(target.settings.get("constants", {}))
    try:
        timed = look(target, without_constants(feeds, constants) if constants else dict(feeds), ctx)
    except NotRunnable as error:
        raise InputRefused(
            "layers_not_told",
            "The layers of this version cannot be measured",
            f"The engine does not run it while it times each layer: {error}.",
            "Choose another version.",
        ) from error
    return tuple(timed[:MOST])


def with_sensitivity(layers: tuple[Layer, ...], folder: Path | None) -> tuple[Layer, ...]:
    """Return the layers with the cost of 8 bits in each, if that was measured for a version in `folder`."""
    file = folder / sensitivity.FILE if folder is not None else None
    if file is None or not file.is_file():
        return layers
    costs = {_stem(name): float(cost) for name, cost in json.loads(file.read_text(encoding="utf-8")).items()}
    return tuple(layer.model_copy(update={"sensitivity": costs.get(_stem(layer.name))}) for layer in layers)


def _stem(name: str) -> str:
    """Return a layer's name without the suffixes that engines add."""
    return name.split("/WithoutBiases")[0].rsplit(":", 1)[0].removesuffix("_quant")


def of_openvino(target: Target, feeds: Arrays, ctx: JobContext) -> list[Layer]:
    """Return the layers that OpenVINO runs for one request of these fixed sizes.

    Raises:
        NotRunnable: OpenVINO cannot run the model.
    """
    from workers.infer.openvino_program import import_library, options_of, read_model

    core = import_library().Core()
    settings = {**target.settings, "shapes": {}}
    options, _ = options_of(core, {k: v for k, v in settings.items() if k != "constants"}, ctx.threads)
    names = {name: list(array.shape) for name, array in feeds.items()}
    best: dict[str, Layer] = {}
    try:
        model = read_model(core, target.path, names)
        sizes = {_stem(name): size for name, size in _weight_sizes(model).items()}
        compiled = core.compile_model(model, "CPU", {**options, "PERF_COUNT": True})
        request = compiled.create_infer_request()
        request.infer(dict(feeds))
        for _ in _turns(ctx):
            request.infer(dict(feeds))
            for order, entry in enumerate(request.profiling_info):
                name, ms = entry.node_name, entry.real_time.total_seconds() * 1000
                form, size = _kernel_precision(entry.exec_type), sizes.get(_stem(name)) or None
                kind = entry.node_type
                _keep_faster(best, Layer(order=order, name=name, kind=kind, ms=ms, precision=form, size_bytes=size))
    except RuntimeError as error:
        raise NotRunnable(error) from error
    return _in_order(best)


def _weight_sizes(model: Any) -> dict[str, int]:
    """Return {operator's name: bytes} of an `openvino.Model`; unpacked weights belong to the operator behind them."""
    sizes: dict[str, int] = {}
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind in ("Constant", "Result", "Parameter"):
            continue
        size = sum(_weight_size(node.input_value(number).get_node(), DEEPEST) for number in range(len(node.inputs())))
        if size:
            sizes[node.get_friendly_name()] = size
    return sizes


def _weight_size(node: Any, depth: int) -> int:
    """Return the bytes of the constants behind an input; 0 where anything but weights contributes to it."""
    if node.get_type_name() == "Constant":
        return int(node.get_byte_size())
    if depth == 0 or node.get_type_name() not in UNPACKING:
        return 0
    parts = [_weight_size(node.input_value(number).get_node(), depth - 1) for number in range(len(node.inputs()))]
    return sum(parts) if all(parts) else 0


def _onnxruntime(target: Target, feeds: Arrays, ctx: JobContext) -> list[Layer]:
    from workers.infer import onnxruntime_cpu as engine

    library = engine.import_library()
    known = {name: value for name, value in target.settings.items() if name in ("num_threads", "graph_optimization")}
    options = engine.make_options(library, known, ctx.threads)
    options.enable_profiling = True
    options.profile_file_prefix = str(ctx.work_dir / "profile")
    session = engine.start(library, target.path, options, ["CPUExecutionProvider"])
    for _ in _turns(ctx):
        session.run(None, dict(feeds))
    written = Path(session.end_profiling())
    del session
    best: dict[str, Layer] = {}
    for event in json.loads(written.read_text(encoding="utf-8")):
        name, report = str(event.get("name", "")), event.get("args", {})
        if event.get("cat") == "Node" and name.endswith(TIMED):
            name, kind, ms = name.removesuffix(TIMED), str(report.get("op_name", "")), event["dur"] / 1000
            form, size = _precision_of(report), int(report.get("parameter_size", 0)) or None
            _keep_faster(best, Layer(order=len(best), name=name, kind=kind, ms=ms, precision=form, size_bytes=size))
    written.unlink()
    return _in_order(best)


def _tensorrt(target: Target, feeds: Arrays, ctx: JobContext) -> list[Layer]:
    return tensorrt_layers.layers_on_card(target.path, target.settings, feeds, lambda: _turns(ctx))


def _turns(ctx: JobContext) -> Iterator[int]:
    """Yield the numbers of the runs that time allows: at least one, at most eight."""
    end_s = time.monotonic() + MAX_S
    for number in range(RUNS):
        ctx.check_cancelled()
        if number > 0 and time.monotonic() > end_s:
            return
        yield number


def _keep_faster(best: dict[str, Layer], seen: Layer) -> None:
    """Keep the fastest time of each layer, because other programs make a layer slower, never faster."""
    known = best.setdefault(seen.name, seen)
    if seen.ms < known.ms:
        best[seen.name] = known.model_copy(update={"ms": seen.ms})


def _in_order(best: Mapping[str, Layer]) -> list[Layer]:
    return sorted((layer for layer in best.values() if layer.ms > 0), key=lambda layer: layer.order)


def _kernel_precision(kernel: str) -> str:
    """Return the number format in a kernel's name: ``brgconv_avx512_1x1_bf16`` → bf16."""
    last = kernel.lower().rsplit("_", 1)[-1]
    return PRECISIONS.get(last, last) if last in SUFFIXES else ""


def _precision_of(report: Mapping[str, Any]) -> str:
    """Return the number format of the first input whose type is known."""
    for entry in report.get("input_type_shape") or report.get("output_type_shape") or ():
        for kind in entry:
            if kind in PRECISIONS:
                return PRECISIONS[kind]
    return ""
