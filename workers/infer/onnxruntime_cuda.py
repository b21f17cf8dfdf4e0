"""Run ONNX models on an NVIDIA GPU with ONNX Runtime and report every operator that runs on the processor instead."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import (
    NO_DRIVER,
    Availability,
    NotRunnable,
    Refusal,
    Runtime,
    Session,
    SessionOptions,
    Trial,
    check_settings,
    cuda_driver_found,
    gpu_name,
)
from .cuda_words import native_log, reason_in
from .onnxruntime_card import FREE_SIZES, OnnxCardSession, open_driver
from .onnxruntime_chat import OnnxChat
from .onnxruntime_cpu import ENVIRONMENT, import_library, make_options, start
from .pixels import open_pixels
from .words import Words

PROVIDER, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
FIRST_GPU = (PROVIDER, {"device_id": 0})
"""Provider on device 0; the environment of the process decides which card that is (`gpu_name`)."""

GRAPH = "cuda_graph"
LOG_WARNINGS, LOG_FATAL = 2, 4
INSTALL = "pip uninstall onnxruntime, then pip install onnxruntime-gpu[cuda,cudnn]"
PROBE = base64.b64decode(  # y = x · x for x float32 (8, 8), opset 13
    "CAgSADpAChEKAXgKAXgSAXkiBk1hdE11bBIBZ1oTCgF4Eg4KDAgBEggKAggICgIICGITCgF5Eg4KDAgBEggKAggICgIICEIECgAQDQ=="
)


def load(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open the model on the first GPU alone or, where that is impossible, together with the processor.

    In the second case `fallbacks` reports how many operators of which types the processor runs. With the setting
    ``cuda_graph`` the whole request is recorded once and started by one call.

    Raises:
        NotRunnable: nothing would run on the GPU (the library alone would silently use the processor), or, with
            ``cuda_graph``, a part would run on the processor or a size is open.
        ValueError: a setting is unknown.
    """
    if "pixels" in settings:
        return open_pixels(load, path, settings, threads)
    onnxruntime = import_library()
    own, graph = without_graph(settings)
    options = make_options(onnxruntime, own, threads)
    if PROVIDER not in onnxruntime.get_available_providers():
        raise NotRunnable(Words("this ONNX Runtime was built without support for NVIDIA GPUs"))
    preload(onnxruntime)
    if settings.get("chat"):
        inference, fallbacks = open_with_processor(onnxruntime, path, options, [FIRST_GPU, CPU], PROVIDER)
        return OnnxChat(onnxruntime, inference, settings, "cuda", gpu_name(), fallbacks)
    return open_on_card(
        onnxruntime, path, own.get("constants"), PROVIDER,
        lambda stream, graph: (make_options(onnxruntime, own, threads), [on_card(stream, graph=graph)]),
        graph=graph, others=(CPU,),
    )  # fmt: skip


Prepare = Callable[[int, bool], tuple[Any, list[Any]]]
"""Returns session options and providers for a stream, with or without recording a CUDA graph."""


def open_on_card(
    onnxruntime: Any, path: Path, constants: Mapping[str, Any] | None, provider: str, prepare: Prepare, *,
    graph: bool, others: Sequence[str] = (),
) -> OnnxCardSession:  # fmt: skip
    """Open the model on the card alone or, without `graph` and where that is impossible, also on the processor.

    Raises:
        NotRunnable: nothing would run on the card, or with `graph` a part would not.
    """
    driver = open_driver()
    stream = driver.stream()
    options, providers = prepare(stream, graph)
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        return OnnxCardSession(start(onnxruntime, path, options, providers), driver, stream, (), constants, bound=graph)
    except NotRunnable:
        if graph:
            raise
    options, providers = prepare(stream, False)
    inference, fallbacks = open_with_processor(onnxruntime, path, options, [*providers, *others], provider)
    return OnnxCardSession(inference, driver, stream, fallbacks, constants)


def on_card(stream: int, *, graph: bool) -> tuple[str, dict[str, str]]:
    """Return the provider on the first card with its options for this stream."""
    options = {"device_id": "0", "user_compute_stream": str(stream)}
    return PROVIDER, {**options, "enable_cuda_graph": "1"} if graph else options


def preload(onnxruntime: Any) -> None:
    """Load the CUDA libraries that are installed as packages.

    The provider has no path to them (its RPATH is empty) and would find none. The library prints what it cannot load;
    this output goes to stderr.
    """
    with contextlib.redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()


def open_with_processor(
    onnxruntime: Any, path: Path, options: Any, providers: Sequence[Any], provider: str
) -> tuple[Any, tuple[str, ...]]:
    """Open the session on card and processor together; return it and one sentence for each part on the processor.

    Raises:
        NotRunnable: the library refuses the model, or nothing would run on the card (`provider`).
    """
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    inference = start(onnxruntime, path, options, providers)
    placed = assignment(inference.get_provider_graph_assignment_info())
    on_gpu = sum(placed.pop(provider, Counter()).values())
    if on_gpu == 0:
        raise NotRunnable(Words("no operator of this model would run on the GPU"))
    return inference, tuple(described(on_gpu, placed))


def without_graph(settings: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the settings without ``cuda_graph``, and whether it is on.

    Raises:
        ValueError: it has another type.
    """
    graph = settings.get(GRAPH, False)
    check_settings({GRAPH: graph}, {GRAPH: (bool,)})
    return {name: value for name, value in settings.items() if name != GRAPH}, graph


def assignment(subgraphs: Any) -> dict[str, Counter[str]]:
    """Count the operators of each type per provider, from ONNX Runtime's assignment records."""
    placed: dict[str, Counter[str]] = {}
    for subgraph in subgraphs:
        counter = placed.setdefault(subgraph.ep_name, Counter())
        counter.update(node.op_type for node in subgraph.get_nodes())
    return placed


def described(on_gpu: int, elsewhere: Mapping[str, Counter[str]]) -> list[str]:
    """Return one sentence for each provider that runs a part of the model instead of the GPU."""
    total = on_gpu + sum(kinds.total() for kinds in elsewhere.values())
    return [
        Words("{0} of {1} operators run on the processor: {2}", kinds.total(), total, ", ".join(sorted(kinds)))
        for kinds in elsewhere.values()
    ]


def probe(onnxruntime: Any, x: NDArray[np.float32]) -> Any:
    """Return the product x · x of float32 (8, 8), computed by a built-in model on the GPU alone.

    Raises:
        NotRunnable: with the first reason that the library logs. Its later error only states that the processor may not
        be used instead.
    """
    options = make_options(onnxruntime, {}, 1)
    options.log_severity_level = LOG_WARNINGS
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    onnxruntime.set_default_logger_severity(LOG_WARNINGS)
    log: list[str] = []
    try:
        with native_log() as log:
            preload(onnxruntime)
            inference = onnxruntime.InferenceSession(PROBE, options, providers=[FIRST_GPU], enable_fallback=0)
            (answer,) = inference.run(None, {"x": x})
    except Exception as error:  # the library's own errors derive from Exception alone
        reason = reason_in(str(error)) if "CUDA" in str(error) else reason_in("".join(log))
        raise NotRunnable(reason or str(error)) from error
    finally:
        onnxruntime.set_default_logger_severity(LOG_FATAL)
    return answer


def available() -> Availability:
    """Return whether the GPU computes a small product, since "compiled in" does not mean that it works."""
    if not cuda_driver_found():
        return Availability(False, NO_DRIVER)
    if importlib.util.find_spec("onnxruntime") is None:
        return Availability(False, INSTALL, installs="cuda")
    onnxruntime = import_library()
    if PROVIDER not in onnxruntime.get_available_providers():
        return Availability(False, INSTALL, installs="cuda")
    try:
        answer = probe(onnxruntime, np.ones((8, 8), np.float32))
    except NotRunnable as error:
        return Availability(False, Words("the GPU does not work with this ONNX Runtime: {0}", error))
    return Availability(bool((answer == 8).all()))


def why_not(wanted: SessionOptions) -> Refusal | None:
    """Reject CUDA graphs of models with open sizes, because a graph is recorded for one size."""
    if wanted.settings.get(GRAPH) and wanted.free_sizes:
        return Refusal("free_sizes", Words("It cannot be recorded as one step: {0}.", FREE_SIZES))
    return None


WHY = Words("A graphics card does many products at once.")
WHY_GRAPH = Words(
    "A graphics card does many products at once. All of them are started by one call (a CUDA graph), and nothing is"
    " copied twice."
)

RUNTIME = Runtime(
    id="onnxruntime-cuda",
    title="ONNX Runtime (NVIDIA GPU)",
    device="cuda:0",
    formats=("onnx",),
    requirements=("numpy", "onnxruntime-gpu[cuda,cudnn]"),
    available=available,
    load=load,
    environment=ENVIRONMENT,
    summary="Runs ONNX models on an NVIDIA GPU.",
    family="onnxruntime",
    trials=(
        Trial("gpu", "On the GPU", WHY),
        Trial("gpu-fp16", "FP16 on the GPU", WHY, ("fp16",)),
        Trial("gpu-graph", "On the GPU, as one step", WHY_GRAPH, (), {GRAPH: True}),
        Trial("gpu-fp16-graph", "FP16 on the GPU, as one step", WHY_GRAPH, ("fp16",), {GRAPH: True}),
    ),
    why_not=why_not,
)  # fmt: skip
