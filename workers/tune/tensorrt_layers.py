"""Where an engine's time goes on its card: times from TensorRT's profiler, kinds and numbers from its inspector.

Source: TensorRT documentation, “Performance: built-in profiling”, “Engine inspector” (built with detailed verbosity).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from workers.contracts.after.layers import Layer
from workers.infer import tensorrt
from workers.infer.base import Arrays

NUMBERS = (("FP8", "fp8"), ("INT8", "int8"), ("INT4", "int4"), ("BF16", "bf16"), ("HALF", "f16"), ("FP16", "f16"),
           ("FLOAT", "f32"), ("FP32", "f32"))  # fmt: skip
"""What stands in an inspector's words for a tensor, and how layers are told; the first that is found counts."""

WORD = re.compile(r"[A-Z]+[0-9]*")


def layers_on_card(
    path: Path, settings: Mapping[str, Any], feeds: Arrays, turns: Callable[[], Iterable[int]]
) -> list[Layer]:
    """The layers of the engine, each with the fastest of its times. Raises `NotRunnable` where no card is."""
    session = tensorrt.load(path, settings, 1)
    assert isinstance(session, tensorrt.TensorRtSession)
    try:
        best: dict[str, float] = {}
        for _ in turns():
            for name, ms in session.timed(feeds):
                best[name] = min(best.get(name, ms), ms)
        return told(best, session.inspected())
    finally:
        session.close()


def told(times_ms: Mapping[str, float], inspected: str) -> list[Layer]:
    """Layers in the order of the profiler; the inspector's JSON names their kinds and numbers."""
    known = _by_name(inspected)
    return [
        Layer(order=order, name=name, kind=kind_of(known.get(name)), ms=ms, precision=numbers_of(known.get(name)))
        for order, (name, ms) in enumerate(times_ms.items())
        if ms > 0
    ]


def _by_name(inspected: str) -> dict[str, dict[str, Any]]:
    """Rows by their name; {} for engines that only tell names, or nothing."""
    try:
        rows = json.loads(inspected)["Layers"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {str(row["Name"]): row for row in rows if isinstance(row, dict) and "Name" in row}


def kind_of(row: Mapping[str, Any] | None) -> str:
    """The kind of layer in TensorRT's own word."""
    return "" if row is None else str(row.get("LayerType", ""))


def numbers_of(row: Mapping[str, Any] | None) -> str:
    """What it computes in: the narrowest of its inputs' numbers."""
    if row is None:
        return ""
    words = {
        word
        for tensor in row.get("Inputs", [])
        for word in WORD.findall(str(tensor.get("Format/Datatype", "")).upper())
    }
    return next((short for name, short in NUMBERS if name in words), "")
