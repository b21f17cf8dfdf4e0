"""What bundles for NVIDIA cards run: TensorRT, else ONNX Runtime on the card or on the processor; it says which."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import onnxruntime_cpu, onnxruntime_cuda, tensorrt
from .base import Arrays, NotRunnable, Session
from .tensorrt import SizeNotBuilt
from .tensorrt_build import Tick
from .tensorrt_engines import CACHE_VARIABLE

TOLD_S = 2.0
"""A build says how far it is so often."""

STAND_IN_FILE = "model.fp32.onnx"
"""Beside a model whose numbers only cards compute with: the same, computed with 32 bits."""

OF_ONNXRUNTIME = ("num_threads", "graph_optimization", "constants")


def usual_cache() -> Path:
    """The person's own cache folder."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "fettle-engines"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fettle-engines"


def teller() -> Tick:
    """Lines on standard error while an engine is built; its first start may take minutes."""
    last_s = 0.0

    def tell(share: float, phase: str, seconds: float) -> None:
        nonlocal last_s
        if seconds - last_s >= TOLD_S:
            last_s = seconds
            words = f"Building the TensorRT engine, once for this card: {100 * share:.0f} of 100 ({phase.lower()})"
            sys.stderr.write(f"{words}, {seconds:.0f} s\n")

    return tell


class FirstSession:
    """An engine, and for sizes that it was not built for the same model in ONNX Runtime, opened when one comes."""

    def __init__(self, engine: Session, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        self._engine = engine
        self._path, self._settings, self._threads = path, settings, threads
        self._other: Session | None = None
        self.device_ran, self.fallbacks = engine.device_ran, engine.fallbacks

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Answers to one batch of any size that the model takes."""
        try:
            return self._engine.run(feeds)
        except SizeNotBuilt as error:
            if self._other is None:
                self._other, told = in_onnxruntime(self._path, self._settings, self._threads)
                sys.stderr.write(f"note: {error}; {told}\n")
            return self._other.run(feeds)

    def close(self) -> None:
        """Close both."""
        self._engine.close()
        if self._other is not None:
            self._other.close()


def in_onnxruntime(path: Path, settings: Mapping[str, Any], threads: int) -> tuple[Session, str]:
    """(the model in ONNX Runtime, on the card where that works, what to say of it)."""
    own = {name: value for name, value in settings.items() if name in OF_ONNXRUNTIME}
    stand_in = path.with_name(STAND_IN_FILE)
    told = ", with 32 bits" if stand_in.is_file() else ""
    path = stand_in if stand_in.is_file() else path
    try:
        return onnxruntime_cuda.load(path, own, threads), f"ONNX Runtime on the card answers instead{told}"
    except (NotRunnable, ImportError, OSError):
        return onnxruntime_cpu.load(path, own, threads), f"ONNX Runtime on the processor answers instead{told}"


def open_engine(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """TensorRT alone; what it builds is kept in `cache_dir`, in the folder that FETTLE_ENGINE_CACHE names, or in the
    person's own cache. Raises `NotRunnable`."""
    cache = str(settings.get("cache_dir") or os.environ.get(CACHE_VARIABLE) or usual_cache())
    return tensorrt.load(path, {**settings, "cache_dir": cache}, threads, teller())


def load(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open `model.onnx` in the first of the three that works; `fallbacks` says why it is another than TensorRT."""
    began_s = time.monotonic()
    try:
        engine = open_engine(path, settings, threads)
    except NotRunnable as error:
        other, told = in_onnxruntime(path, settings, threads)
        other.fallbacks = (f"TensorRT: {error}; {told}", *other.fallbacks)
        return other
    if time.monotonic() - began_s > TOLD_S:
        sys.stderr.write("The engine is ready, and kept for the next start.\n")
    return FirstSession(engine, path, settings, threads)
