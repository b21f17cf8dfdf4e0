"""Run ONNX models on the processor with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, NotRunnable, Runtime, Session, check_settings, installed, run_in_parts, without_constants
from .cascade import open_cascade
from .onnxruntime_chat import OnnxChat
from .pixels import open_pixels

ENVIRONMENT = (("ORT_DISABLE_TELEMETRY", "1"),)
"""Variables that stop the library from contacting its telemetry host and from writing into the user's cache folder."""

KNOWN_SETTINGS: dict[str, tuple[type, ...]] = {
    "num_threads": (int,),
    "graph_optimization": (str,),
    "constants": (dict,),
    "chat": (bool,),
    "by_token": (bool,),
}
LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


class OnnxSession:
    """One `onnxruntime.InferenceSession`; a model with a fixed batch size of 1 runs once for each item of a batch."""

    def __init__(
        self,
        inference: Any,
        device_ran: str,
        fallbacks: tuple[str, ...] = (),
        constants: Mapping[str, Any] | None = None,
    ) -> None:
        """Wrap an open inference session.

        Args:
            inference: the library's InferenceSession.
            device_ran: the device that the session reports.
            fallbacks: one sentence for each part that runs on the processor.
            constants: inputs that are built into the model, with their values.
        """
        self._inference = inference
        self._constants = dict(constants or {})
        self._outputs = [output.name for output in inference.get_outputs()]
        self._shapes = {
            entry.name: tuple(size if isinstance(size, int) else None for size in entry.shape or ())
            for entry in inference.get_inputs()
        }
        self._may_split = any(shape[:1] == (1,) for shape in self._shapes.values())
        self.device_ran = device_ran
        self.fallbacks = fallbacks

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch; split the batch where the model takes one item at a time."""
        if self._constants:
            feeds = without_constants(feeds, self._constants)
        return run_in_parts(self._run, feeds, self._shapes) if self._may_split else self._run(feeds)

    def _run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        answers = self._inference.run(self._outputs, feeds if isinstance(feeds, dict) else dict(feeds))
        return dict(zip(self._outputs, answers, strict=True))

    def close(self) -> None:
        """Release the inference session."""
        self._inference = None


def import_library() -> Any:
    """Import `onnxruntime` with its telemetry off and its log silent, since errors are raised anyway."""
    for name, value in ENVIRONMENT:
        os.environ[name] = value
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def make_options(onnxruntime: Any, settings: Mapping[str, Any], threads: int) -> Any:
    """Return session options made of the settings of a version.

    Raises:
        ValueError: a setting is unknown.
    """
    check_settings(settings, KNOWN_SETTINGS)
    level = str(settings.get("graph_optimization", "all"))
    if level not in LEVELS:
        raise ValueError(f"setting 'graph_optimization' cannot be {level!r}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(settings.get("num_threads", threads))
    options.inter_op_num_threads = 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[level])
    options.log_severity_level = 4
    return options


def start(onnxruntime: Any, model: Path | bytes, options: Any, providers: Sequence[Any]) -> Any:
    """Create an InferenceSession of a file or of its content.

    The library's own fallback is off: it would use the processor where a GPU fails, and hide the reason.

    Raises:
        NotRunnable: the library refuses the model.
    """
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=list(providers), enable_fallback=0)
    except (ValueError, RuntimeError) as error:
        raise NotRunnable(error) from error
    except Exception as error:  # the library's own errors derive from Exception alone
        if type(error).__module__.startswith("onnxruntime"):
            raise NotRunnable(error) from error
        raise


def load(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open `model.onnx` on the processor.

    Raises:
        NotRunnable: the library refuses the model.
        ValueError: a setting is unknown.
    """
    if "cascade" in settings:
        return open_cascade(load, path, settings, threads)
    if "pixels" in settings:
        return open_pixels(load, path, settings, threads)
    onnxruntime = import_library()
    options = make_options(onnxruntime, settings, threads)
    inference = start(onnxruntime, path, options, ["CPUExecutionProvider"])
    if settings.get("chat"):
        return OnnxChat(onnxruntime, inference, settings)
    return OnnxSession(inference, "cpu", constants=settings.get("constants"))


RUNTIME = Runtime(
    id="onnxruntime-cpu",
    title="ONNX Runtime (processor)",
    device="cpu",
    formats=("onnx",),
    requirements=("numpy", "onnxruntime"),
    available=partial(installed, "onnxruntime"),
    load=load,
    environment=ENVIRONMENT,
    summary="Runs every ONNX model. The original is measured with it.",
    family="onnxruntime",
    one_core=True,
)
