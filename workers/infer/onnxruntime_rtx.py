"""Run ONNX models with TensorRT for RTX, a plugin provider of the ONNX Runtime in the base set.

Its libraries come as a separate package. It builds its engines at the first start on each card and keeps the compiled
results. Source: NVIDIA, “TensorRT RTX Execution Provider”; ONNX Runtime, “Plugin Execution Provider Libraries”.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .base import NO_DRIVER, Availability, NotRunnable, Runtime, Session, Trial, cuda_driver_found
from .onnxruntime_cpu import ENVIRONMENT, import_library, make_options
from .onnxruntime_cuda import GRAPH, PROBE, open_on_card, why_not, without_graph
from .pixels import open_pixels
from .words import Words

PROVIDER = "NvTensorRTRTXExecutionProvider"
MODULE = "onnxruntime_ep_nv_tensorrt_rtx"
WHEEL = "onnxruntime-ep-nv-tensorrt-rtx-cu13"
OWN_INSTALL = "installer/fettle --gpu rtx"
CACHE_VARIABLE = "FETTLE_ENGINE_CACHE"
NO_DEVICE = Words("TensorRT for RTX finds no card that it supports (GeForce RTX 30 and later)")


def devices(onnxruntime: Any) -> list[Any]:
    """Return the cards that the provider supports, after registering it once per process.

    Raises:
        NotRunnable: the library cannot be registered.
    """
    try:
        library = importlib.import_module(MODULE).get_library_path()
        if all(device.ep_name != PROVIDER for device in onnxruntime.get_ep_devices()):
            onnxruntime.register_execution_provider_library(PROVIDER, library)
    except Exception as error:  # the library's own errors derive from Exception alone
        if "already registered" not in str(error):
            raise NotRunnable(error) from error
    return [device for device in onnxruntime.get_ep_devices() if device.ep_name == PROVIDER]


def provider_options(stream: int, *, graph: bool, cache: str = "") -> dict[str, str]:
    """Return the provider's options: the stream, whether to record a CUDA graph, and the cache path of its engines."""
    options = {"has_user_compute_stream": "1", "user_compute_stream": str(stream)}
    if graph:
        options["enable_cuda_graph"] = "1"
    if cache:
        options["nv_runtime_cache_path"] = cache
    return options


def load(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open the model on the first card alone or, where that is impossible, together with the processor.

    `fallbacks` lists the operators that the processor runs.

    Raises:
        NotRunnable: there is no supported card, or nothing would run on it.
    """
    if "pixels" in settings:
        return open_pixels(load, path, settings, threads)
    own, graph = without_graph(settings)
    onnxruntime = import_library()
    cards = devices(onnxruntime)
    if not cards:
        raise NotRunnable(NO_DEVICE)

    def prepare(stream: int, graph: bool) -> tuple[Any, list[Any]]:
        return _options(onnxruntime, own, threads, cards[0], provider_options(stream, graph=graph, cache=_cache())), []

    return open_on_card(onnxruntime, path, own.get("constants"), PROVIDER, prepare, graph=graph)


def _options(onnxruntime: Any, own: Mapping[str, Any], threads: int, device: Any, given: Mapping[str, str]) -> Any:
    options = make_options(onnxruntime, own, threads)
    options.add_provider_for_devices([device], dict(given))
    return options


def _cache() -> str:
    """Return the folder of compiled engines on this computer; "" means that none are kept."""
    named = os.environ.get(CACHE_VARIABLE)
    return str(Path(named, "onnxruntime-rtx")) if named else ""


def available() -> Availability:
    """Return whether the card computes a small product without the processor."""
    if not cuda_driver_found():
        return Availability(False, NO_DRIVER)
    if importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec(MODULE) is None:
        return Availability(False, OWN_INSTALL, installs="rtx")
    onnxruntime = import_library()
    try:
        cards = devices(onnxruntime)
        if not cards:
            return Availability(False, NO_DEVICE)
        options = _options(onnxruntime, {}, 1, cards[0], {})
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        inference = onnxruntime.InferenceSession(PROBE, options)
        (answer,) = inference.run(None, {"x": np.ones((8, 8), np.float32)})
    except Exception as error:  # the library's own errors derive from Exception alone
        return Availability(False, Words("the GPU does not work with TensorRT for RTX: {0}", NotRunnable(error)))
    works = bool((answer == 8).all())
    return Availability(works, "" if works else Words("TensorRT for RTX gave a wrong answer"))


WHY = Words("TensorRT for RTX fits each part of a model to the card; what it does not know ONNX Runtime does.")

RUNTIME = Runtime(
    id="onnxruntime-rtx",
    title="ONNX Runtime with TensorRT for RTX",
    device="cuda:0",
    formats=("onnx",),
    requirements=("numpy", "onnxruntime", WHEEL),
    available=available,
    load=load,
    environment=ENVIRONMENT,
    summary="Runs ONNX models on GeForce RTX 30 and later through TensorRT.",
    family="onnxruntime",
    trials=(
        Trial("rtx", "TensorRT for RTX in ONNX Runtime", WHY),
        Trial("rtx-fp16", "FP16, TensorRT for RTX in ONNX Runtime", WHY, ("fp16",)),
        Trial("rtx-graph", "TensorRT for RTX in ONNX Runtime, as one step", WHY, (), {GRAPH: True}),
    ),
    why_not=why_not,
)  # fmt: skip
