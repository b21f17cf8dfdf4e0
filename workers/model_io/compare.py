"""Compare the predictions of a converted model with those of its source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.wording import percent
from workers.model_io.formats import Reference
from workers.model_io.words import refuse
from workers.pipeline.pipeline import Runs

MAX_RELATIVE_ERROR = 1e-3


def relative_error(source: Mapping[str, NDArray[Any]], converted: Mapping[str, NDArray[Any]]) -> float:
    """Return the largest |converted − source| over all outputs, each relative to its output's largest value."""
    worst = 0.0
    for name, value in source.items():
        want, got = np.asarray(value, np.float64), np.asarray(converted[name], np.float64)
        if want.shape != got.shape:
            return float("inf")
        if want.size:
            scale = max(float(np.abs(want).max()), 1e-12)
            worst = max(worst, float(np.abs(want - got).max()) / scale)
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
        raise refuse(
            "conversion_differs",
            "The converted model answers differently",
            f"After conversion to ONNX, {path.name} answers up to {percent(error)} differently than before.",
            "Ask its author for it as ONNX, exported with the code that it was trained with, and open that file.",
        )
    return error
