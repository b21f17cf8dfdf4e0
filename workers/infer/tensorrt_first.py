"""Run bundles for NVIDIA cards: TensorRT first, else ONNX Runtime on the card or the processor.

The session reports which of them runs.
"""

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
from .words import Words

REPORT_S = 2.0
"""Seconds between two progress lines of a build."""

STAND_IN_FILE = "model.fp32.onnx"
"""File with the 32-bit form of a model whose number format only cards compute."""

OF_ONNXRUNTIME = ("num_threads", "graph_optimization", "constants")


def usual_cache() -> Path:
    """Return the cache folder of the user's account."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "fettle-engines"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fettle-engines"


def progress_printer() -> Tick:
    """Return a callback that writes progress lines to stderr; the first start may take minutes."""
    last_s = 0.0

    def report(share: float, phase: str, seconds: float) -> None:
        nonlocal last_s
        if seconds - last_s >= REPORT_S:
            last_s = seconds
            words = f"Building the TensorRT engine, once for this card: {100 * share:.0f} of 100 ({phase.lower()})"
            sys.stderr.write(f"{words}, {seconds:.0f} s\n")

    return report


class FirstSession:
    """An engine and, for sizes that it was not built for, the same model in ONNX Runtime, opened on first need."""

    def __init__(self, engine: Session, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        """Wrap an open engine; the other arguments open the model in ONNX Runtime when needed."""
        self._engine = engine
        self._path, self._settings, self._threads = path, settings, threads
        self._other: Session | None = None
        self.device_ran, self.fallbacks = engine.device_ran, engine.fallbacks

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch of any size that the model accepts."""
        try:
            return self._engine.run(feeds)
        except SizeNotBuilt as error:
            if self._other is None:
                self._other, report = in_onnxruntime(self._path, self._settings, self._threads)
                sys.stderr.write(f"note: {error}; {report}\n")
            return self._other.run(feeds)

    def close(self) -> None:
        """Close both sessions."""
        self._engine.close()
        if self._other is not None:
            self._other.close()


def in_onnxruntime(path: Path, settings: Mapping[str, Any], threads: int) -> tuple[Session, str]:
    """Open the model in ONNX Runtime, on the card where that works; return it and one clause that reports it."""
    own = {name: value for name, value in settings.items() if name in OF_ONNXRUNTIME}
    stand_in = path.with_name(STAND_IN_FILE)
    in_32_bits = stand_in.is_file()
    path = stand_in if in_32_bits else path
    try:
        on_card = Words("ONNX Runtime on the card answers instead")
        if in_32_bits:
            on_card = Words("ONNX Runtime on the card answers instead, with 32 bits")
        return onnxruntime_cuda.load(path, own, threads), on_card
    except (NotRunnable, ImportError, OSError):
        elsewhere = Words("ONNX Runtime on the processor answers instead")
        if in_32_bits:
            elsewhere = Words("ONNX Runtime on the processor answers instead, with 32 bits")
        return onnxruntime_cpu.load(path, own, threads), elsewhere


def open_engine(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open the model in TensorRT only.

    Built engines are cached in `cache_dir`, in the folder of FETTLE_ENGINE_CACHE, or in the user's own cache folder.

    Raises:
        NotRunnable: with the reason.
    """
    cache = str(settings.get("cache_dir") or os.environ.get(CACHE_VARIABLE) or usual_cache())
    return tensorrt.load(path, {**settings, "cache_dir": cache}, threads, progress_printer())


def load(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open `model.onnx` in the first of the three that works; `fallbacks` states why it is not TensorRT."""
    began_s = time.monotonic()
    try:
        engine = open_engine(path, settings, threads)
    except NotRunnable as error:
        other, report = in_onnxruntime(path, settings, threads)
        other.fallbacks = (Words("TensorRT: {0}; {1}", error, report), *other.fallbacks)
        return other
    if time.monotonic() - began_s > REPORT_S:
        sys.stderr.write("The engine is ready, and kept for the next start.\n")
    return FirstSession(engine, path, settings, threads)
