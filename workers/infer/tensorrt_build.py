"""Build TensorRT engines from ONNX files, with progress, cancellation and plain error messages.

Networks are strongly typed: the file defines the precision of each layer. Source: TensorRT Python API (Builder,
OnnxParser, IProgressMonitor, IOptimizationProfile).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .base import NotRunnable
from .cuda_driver import Place
from .tensorrt_editions import Edition
from .words import Words

Source = Path | bytes
"""The path of an ONNX file, or its content."""

Shape = tuple[int, ...]
Profile = Mapping[str, tuple[Shape, Shape, Shape]]
"""Input name → (smallest, usual, largest) shape."""

Tick = Callable[[float, str, float], None]
"""Callback with (share done 0..1, phase, seconds since the start), called 20 times a second; may raise to stop."""

TICK_S = 0.05
STOP_S = 0.1
"""Seconds that a stopped build gets to end by itself; some of its phases check rarely.

A process that exits at once need not wait, because the build ends with it.
"""

BY_EXAMPLE = Words(
    "begin with the model as it was before its numbers were made smaller: the technique int8_qdq writes 8 bits as "
    "TensorRT reads them, their ranges learned beforehand"
)
ALTERNATIVES = {
    "DynamicQuantizeLinear": BY_EXAMPLE,
    "MatMulInteger": BY_EXAMPLE,
    "ConvInteger": BY_EXAMPLE,
    "QLinearConv": BY_EXAMPLE,
    "QLinearMatMul": BY_EXAMPLE,
    "MatMulNBits": Words("the technique int4_weights writes 4-bit weights as TensorRT reads them"),
}
"""Known alternatives to operators that TensorRT cannot read."""

ELSEWHERE = Words(
    "ONNX Runtime runs the model as it is: on the card (onnxruntime-cuda; onnxruntime-rtx gives TensorRT the parts "
    "that it knows) or on the processor"
)
NOISE = re.compile(r"\w+::\w+: |Error Code \d+: |Myelin \(|\[[^\]]{1,80}\] ?| In \w+ at [^\s)]+\)?")


@dataclass(frozen=True)
class BuildRequest:
    """Options of one build.

    `architectures` are names like ``sm89``; () means the card of this computer. `workspace_bytes` limits the memory of
    single layers (None: the library's own limit). `weight_streaming` allows weights to stay in the computer's memory
    during a run. `sparse` allows kernels for 2:4 sparsity. `timing` is the timing cache of an earlier build.
    """

    profile: Profile = field(default_factory=dict)
    architectures: tuple[str, ...] = ()
    workspace_bytes: int | None = None
    weight_streaming: bool = False
    sparse: bool = False
    timing: bytes = b""


@dataclass(frozen=True)
class Built:
    """Result of one build: `engine` is the serialized plan, `layers` counts the network before optimization."""

    engine: bytes
    timing: bytes
    seconds: float
    layers: int
    warnings: tuple[str, ...] = ()


class BuildRefused(NotRunnable):
    """TensorRT cannot read an operator.

    `operators` holds (type, name of the node) of each; `alternative` is half a sentence with an alternative.
    """

    def __init__(self, operators: tuple[tuple[str, str], ...], reason: str) -> None:
        """Build the message from the operators and the library's reason."""
        self.operators = operators
        kinds = list(dict.fromkeys(kind for kind, _ in operators))
        self.alternative = next((ALTERNATIVES[kind] for kind in kinds if kind in ALTERNATIVES), ELSEWHERE)
        name, shown = next((name for _, name in operators if name), ""), ", ".join(kinds[:4])
        words = Words("TensorRT cannot read this file: {0}", reason)
        if kinds:
            words = Words("TensorRT cannot read {0}: {1}", shown, reason)
        if name:
            words = Words("TensorRT cannot read {0} (“{1}”): {2}", shown, name, reason)
        super().__init__(words)


@dataclass
class _Phase:
    parent: str
    steps: int
    done: int = 0


class Progress:
    """Progress of nested build phases as one share; its methods are those of TensorRT's `IProgressMonitor`.

    Each step of a phase has the same weight, and an inner phase fills one step of its parent.
    """

    def __init__(self) -> None:
        """Create the progress of a build that has not started."""
        self._phases: dict[str, _Phase] = {}
        self._lock = threading.Lock()
        self._most = 0.0
        self.phase = "Read the model"
        self.stopped = False

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """Start a phase of `num_steps` steps inside its parent."""
        with self._lock:
            self._phases[phase_name] = _Phase(parent_phase or "", max(num_steps, 1))
            self.phase = phase_name

    def step_complete(self, phase_name: str, step: int) -> bool:
        """Record one finished step; return False where the build must stop."""
        with self._lock:
            if phase_name in self._phases:
                self._phases[phase_name].done = step + 1
        return not self.stopped

    def phase_finish(self, phase_name: str) -> None:
        """End a phase."""
        with self._lock:
            gone = self._phases.pop(phase_name, None)
            self.phase = (gone.parent if gone is not None else "") or self.phase

    def share(self) -> float:
        """Return the finished share, 0..1; it never decreases."""
        with self._lock:
            root = next((name for name, phase in self._phases.items() if not phase.parent), None)
            if root is not None:
                self._most = max(self._most, min(self._of(root), 1.0))
            return self._most

    def _of(self, name: str) -> float:
        phase = self._phases[name]
        inner = [self._of(child) for child, one in self._phases.items() if one.parent == name]
        return min((phase.done + max(inner, default=0.0)) / phase.steps, 1.0)


def build(
    edition: Edition, trt: Any, model: Source, request: BuildRequest, place: Place, tick: Tick, stop_s: float = STOP_S
) -> Built:
    """Build an engine in a thread and report its progress to `tick`.

    The library releases the interpreter lock. An error from `tick` stops the build and is raised again, at most
    `stop_s` seconds later.

    Raises:
        BuildRefused: TensorRT cannot read an operator.
        NotRunnable: the build fails.
    """
    monitor, done, began_s = make_monitor(trt), Future[Built](), time.monotonic()

    def work() -> None:
        try:
            done.set_result(_build(edition, trt, model, request, place, monitor))
        except BaseException as error:  # raised again by the future
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        while not done.done():
            wait([done], TICK_S)
            tick(monitor.share(), monitor.phase, time.monotonic() - began_s)
    except BaseException:
        monitor.stopped = True
        wait([done], stop_s)
        raise
    return done.result()


def make_logger(trt: Any) -> Any:
    """Return a logger of the library that collects messages in `errors` and `warnings`."""

    class Kept(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []
            self.warnings: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)
            elif severity == trt.ILogger.WARNING:
                self.warnings.append(message)

    return Kept()


def make_monitor(trt: Any) -> Progress:
    """Return a progress that the library reports its phases to; the caller keeps the only reference to it."""

    class Monitor(Progress, trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            Progress.__init__(self)

    return Monitor()


def _build(edition: Edition, trt: Any, model: Source, request: BuildRequest, place: Place, monitor: Progress) -> Built:
    began_s = time.monotonic()
    logger = make_logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    read = parser.parse(model) if isinstance(model, bytes) else parser.parse_from_file(str(model))
    if not read:
        raise _refused(parser, logger)
    config = builder.create_builder_config()
    edition.target(trt, config, request.architectures, place)
    _set_profile(builder, network, config, request.profile)
    if request.workspace_bytes is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, request.workspace_bytes)
    for wanted, flag in ((request.weight_streaming, "WEIGHT_STREAMING"), (request.sparse, "SPARSE_WEIGHTS")):
        if wanted:
            config.set_flag(getattr(trt.BuilderFlag, flag))
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    edition.give_timing(config, request.timing)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise NotRunnable(plain(logger.errors))
    seconds = time.monotonic() - began_s
    warnings = tuple(dict.fromkeys(plain([text]) for text in logger.warnings))[:5]
    return Built(bytes(plan), edition.take_timing(config), seconds, int(network.num_layers), warnings)


def _set_profile(builder: Any, network: Any, config: Any, profile: Profile) -> None:
    """Set the ranges of inputs with free sizes.

    Raises:
        NotRunnable: an input with free sizes has no range.
    """
    free = []
    for number in range(network.num_inputs):
        tensor = network.get_input(number)
        if any(size < 0 for size in tensor.shape):
            free.append(tensor.name)
    missing = [name for name in free if name not in profile]
    if missing:
        raise NotRunnable(Words("the sizes of {0} are open, and nothing shows how large they get", ", ".join(missing)))
    if free:
        ranges = builder.create_optimization_profile()
        for name in free:
            ranges.set_shape(name, *profile[name])
        config.add_optimization_profile(ranges)


def _refused(parser: Any, logger: Any) -> BuildRefused:
    errors = [parser.get_error(number) for number in range(parser.num_errors)]
    operators = tuple((str(one.node_operator()), str(one.node_name())) for one in errors if one.node_operator())
    reason = str(errors[0].desc()) if errors else plain(logger.errors)
    if " " not in reason:  # only the failed assertion, such as "false"
        reason = Words("it has no such operator")
    return BuildRefused(tuple(dict.fromkeys(operators)), plain([reason]))


def plain(messages: list[str]) -> str:
    """Return the library's first message without its numbers and source locations."""
    text = " ".join(NOISE.sub("", messages[0]).split()) if messages else "it gave no reason"
    text = text.strip("( ")
    return (text if text.count("(") >= text.count(")") else text.rstrip(") "))[:300]
