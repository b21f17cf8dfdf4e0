"""Measure the layers of an engine on its card: times from TensorRT's profiler, types from its inspector.

Source: TensorRT documentation, “Performance: built-in profiling”, “Engine inspector” (built with detailed verbosity).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from workers.contracts.after.changes import Layer
from workers.infer import tensorrt
from workers.infer.base import Arrays

NUMBERS = (("FP8", "fp8"), ("INT8", "int8"), ("INT4", "int4"), ("BF16", "bf16"), ("HALF", "f16"), ("FP16", "f16"),
           ("FLOAT", "f32"), ("FP32", "f32"))  # fmt: skip
"""Inspector words for number formats and their short names; the first match counts."""

WORD = re.compile(r"[A-Z]+[0-9]*")


def layers_on_card(
    path: Path, settings: Mapping[str, Any], feeds: Arrays, turns: Callable[[], Iterable[int]]
) -> list[Layer]:
    """Return the layers of the engine, each with the fastest of its times.

    Raises:
        NotRunnable: there is no card.
    """
    with closing(tensorrt.load(path, settings, 1)) as session:
        assert isinstance(session, tensorrt.TensorRtSession)
        best: dict[str, float] = {}
        for _ in turns():
            for name, ms in session.timed(feeds):
                best[name] = min(best.get(name, ms), ms)
        return layers_of(best, session.inspected())


def layers_of(times_ms: Mapping[str, float], inspected: str) -> list[Layer]:
    """Return layers in the order of the profiler, with types and number formats from the inspector's JSON."""
    known = _by_name(inspected)
    return [
        Layer(order=order, name=name, kind=kind_of(known.get(name)), ms=ms, precision=numbers_of(known.get(name)))
        for order, (name, ms) in enumerate(times_ms.items())
        if ms > 0
    ]


def _by_name(inspected: str) -> dict[str, dict[str, Any]]:
    """Return the inspector's rows by name; {} for engines that report only names or nothing."""
    try:
        rows = json.loads(inspected)["Layers"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {str(row["Name"]): row for row in rows if isinstance(row, dict) and "Name" in row}


def kind_of(row: Mapping[str, Any] | None) -> str:
    """Return TensorRT's own name of the layer's type."""
    return "" if row is None else str(row.get("LayerType", ""))


def numbers_of(row: Mapping[str, Any] | None) -> str:
    """Return the number format in which a layer computes: the narrowest of its inputs."""
    if row is None:
        return ""
    words = {
        word
        for tensor in row.get("Inputs", [])
        for word in WORD.findall(str(tensor.get("Format/Datatype", "")).upper())
    }
    return next((short for name, short in NUMBERS if name in words), "")
