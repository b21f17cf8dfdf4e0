"""Measure the layers of an engine on its card: times from TensorRT's profiler, types from its inspector.

Source: TensorRT documentation, “Performance: built-in profiling”, “Engine inspector” (built with detailed verbosity).
"""

import json
import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from workers.contracts.after.changes import Layer
from workers.infer import tensorrt
from workers.infer.base import Arrays
from workers.tune.timing_runs import Profile, Profiler, Target

NUMBERS = (("FP8", "fp8"), ("INT8", "int8"), ("INT4", "int4"), ("BF16", "bf16"), ("HALF", "f16"), ("FP16", "f16"),
           ("FLOAT", "f32"), ("FP32", "f32"))  # fmt: skip
"""Inspector words for number formats and their short names; the first match counts."""

WORD = re.compile(r"[A-Z]+[0-9]*")


class TensorRtProfiler(Profiler):
    """Profiler of one TensorRT engine on the card that it was built for."""

    def __init__(self, target: Target, feeds: Arrays) -> None:
        """Load the engine.

        Raises:
            NotRunnable: there is no card.
        """
        super().__init__()
        session = tensorrt.load(target.path, target.settings, 1)
        assert isinstance(session, tensorrt.TensorRtSession)
        self._session, self._feeds = session, feeds

    def run(self, times: int = 1) -> None:
        """Run the request `times` times, as one turn."""
        runs = [self._session.timed(self._feeds) for _ in range(times)]
        self.add([[Layer(name=name, kind="", ms=ms) for name, ms in run] for run in runs])

    def close(self) -> Profile:
        """Return what was measured, and release the engine."""
        with closing(self._session):
            return self.profile(facts_of(self._session.inspected()))


def facts_of(inspected: str) -> dict[str, dict[str, str]]:
    """Return kind and number format by layer's name from the inspector's JSON; {} if it has only names or nothing."""
    try:
        rows = json.loads(inspected)["Layers"]
    except (ValueError, KeyError, TypeError):
        return {}
    rows = [row for row in rows if isinstance(row, dict) and "Name" in row]
    return {str(row["Name"]): {"kind": str(row.get("LayerType", "")), "precision": numbers_of(row)} for row in rows}


def numbers_of(row: Mapping[str, Any]) -> str:
    """Return the number format in which a layer computes: the narrowest of its inputs."""
    words = {
        word
        for tensor in row.get("Inputs", [])
        for word in WORD.findall(str(tensor.get("Format/Datatype", "")).upper())
    }
    return next((short for name, short in NUMBERS if name in words), "")
