"""Load models in ONNX Runtime to find out whether they run, and compare them with their sources."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.error_info import RequestedShape
from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.contracts.wording import percent
from workers.infer.onnxruntime_cpu import OnnxSession, import_library
from workers.model_io.formats import Reference
from workers.model_io.words import ASK_FOR_ONNX, refuse, shown
from workers.pipeline.pipeline import Runs

_MISSING = (
    re.compile(r"Could not find an implementation for (\w+)\((\d+)\)"),
    re.compile(r"Fatal error: ([\w.:]+)(?:\((-?\d+)\))? is not a registered function/op"),
    re.compile(r"No Op registered for (\w+) with domain_version of (\d+)"),
)


def load_session(path: Path, threads: int = 1) -> OnnxSession:
    """Load a model without optimizing it, so that nothing is computed ahead.

    Raises:
        InputRefused: with the missing operator.
    """
    onnxruntime = import_library()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        inference = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exception types share no base but Exception
        raise _refusal(path, str(error)) from error
    return OnnxSession(inference, "CPU")


def _refusal(path: Path, text: str) -> InputRefused:
    for pattern in _MISSING:
        if match := pattern.search(text):
            operator = shown(match[1], 80)
            if match[2] and not match[2].startswith("-"):
                operator = _("{0} (version {1})").format(operator, match[2])
            return refuse(
                "unsupported_operator",
                "The model uses an operator that is not supported",
                _("{0} needs the operator {1}, and ONNX Runtime does not have it.").format(path.name, operator),
                "Ask its author for an export without that operator, or with another opset version.",
            )
    return refuse(
        "cannot_load",
        "The model cannot be loaded",
        _("ONNX Runtime says about {0}: {1}").format(path.name, shown(_reason(text), 300)),
        "Ask its author to export the model again with a newer exporter, or with another opset version.",
    )


def _reason(text: str) -> str:
    line = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text.strip().split("\n")[0])
    line = re.sub(r"Non-zero status code returned while running (\w+) node\. Name:'[^']*' ", r"in \1: ", line)
    line = re.sub(r"Status Message: (?:\S+:\d+ )?(?:.*?\) )?", "", line, count=1)
    return re.sub(r"Load model from .*? failed:", "", line).strip()


def is_out_of_memory(error: Exception) -> bool:
    """Return whether a runtime failed because memory was missing, whatever its message."""
    return (
        isinstance(error, MemoryError) or re.search(r"bad_alloc|llocate memory|llocation fail", str(error)) is not None
    )


def run_error(path: Path, error: Exception, asks: tuple[RequestedShape, ...] = ()) -> InputRefused:
    """Return the refusal for a model that loads but does not run; `asks` are inputs of free sizes."""
    if is_out_of_memory(error):
        return refuse(
            "out_of_memory",
            "The model needs too much memory",
            _("{0} needs more memory than there is, with a single input.").format(path.name),
            "Open it on a machine with more memory, or choose a smaller model.",
        )
    return refuse(
        "does_not_run",
        "The model does not run",
        _("{0} was loaded, but it stops with: {1}").format(path.name, shown(_reason(str(error)), 300)),
        "Set the shape of its inputs.",
        asks,
        by_command="--shape 1x3x224x224",
    )


MAX_RELATIVE_ERROR = 1e-3


def relative_error(source: Mapping[str, NDArray[Any]], converted: Mapping[str, NDArray[Any]]) -> float:
    """Return the largest |converted − source| over all outputs, each relative to its output's largest value."""
    worst = 0.0
    for name, value in source.items():
        want, got = np.asarray(value, np.float64), np.asarray(converted[name], np.float64)
        if want.shape != got.shape:
            return float("inf")
        if want.size:
            with np.errstate(invalid="ignore"):
                gap = np.nan_to_num(np.abs(want - got), nan=np.inf)
            alike = (want == got) | (np.isnan(want) & np.isnan(got))
            scale = max(float(np.abs(want[np.isfinite(want)]).max(initial=0)), 1e-12)
            worst = max(worst, float(np.where(alike, 0, gap).max()) / scale)
    return worst


def conversion_error(
    path: Path, reference: Reference | None, inputs: Sequence[Mapping[str, NDArray[Any]]], session: Runs
) -> float | None:
    """Return the error over some inputs; None where nothing was converted.

    Raises:
        InputRefused: the error exceeds 0.1 %.
    """
    if reference is None:
        return None
    error = max(relative_error(reference(feeds), session.run(feeds)) for feeds in inputs)
    if not error <= MAX_RELATIVE_ERROR:
        raise conversion_differs(path, error, ASK_FOR_ONNX)
    return error


def conversion_differs(path: Path, error: float, hint: str) -> InputRefused:
    """Return the refusal of a conversion whose predictions differ by the share `error` from those of its source."""
    detail = _("After conversion {0} answers up to {1} differently than before.").format(path.name, percent(error))
    return refuse("conversion_differs", "The converted model answers differently", detail, hint)
