"""What this computer's processor can do, without any library: its own word where the system tells it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16", "svebf16"})
INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"})

LIMIT = "ONEDNN_MAX_CPU_ISA"
WITHOUT_BF16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"})
WITHOUT_INT8 = frozenset({"SSE41", "AVX", "AVX2", "AVX512_CORE"})
"""Levels of oneDNN's own limit under which it does without such instructions, whatever the processor has."""

EMULATED = 2.0
"""From so many times the time of 32-bit numbers on, 16-bit ones are not the processor's own (8 to 20 were seen)."""


def flags() -> frozenset[str] | None:
    """The instruction sets of the first processor, None where this system does not tell them."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return None


def name() -> str:
    """The processor's name as Fettle tells it elsewhere."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.machine()


def has_int8() -> bool | None:
    """Whether there are fast 8-bit instructions; None where it cannot be told."""
    return _has(INT8_FLAGS, WITHOUT_INT8)


def has_bf16(core: Any) -> bool:
    """Whether OpenVINO (`core`) computes with BF16 by the processor's own instructions.

    OpenVINO says that it knows BF16 wherever it can emulate it too, so that alone is not believed.
    """
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    known = _has(BF16_FLAGS, WITHOUT_BF16)
    return _is_fast(core) if known is None else known


def _has(wanted: frozenset[str], limits: frozenset[str]) -> bool | None:
    if os.environ.get(LIMIT, "").upper() in limits:
        return False
    found = flags()
    return None if found is None else bool(found & wanted)


def _is_fast(core: Any) -> bool:
    """A product of two tables in both kinds of numbers: emulation is several times slower."""
    import time

    import numpy as np
    import openvino
    from openvino import opset13

    left = opset13.parameter([256, 512], np.float32)
    product = opset13.matmul(left, opset13.constant(np.ones((512, 512), np.float32)), False, False)
    model = openvino.Model([product], [left], "probe")
    best = {}
    for precision in ("f32", "bf16"):
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1}
        try:
            request = core.compile_model(model, "CPU", options).create_infer_request()
        except RuntimeError:
            return False
        feeds, spans = {0: np.ones((256, 512), np.float32)}, []
        for _ in range(8):
            begin = time.perf_counter()
            request.infer(feeds)
            spans.append(time.perf_counter() - begin)
        best[precision] = min(spans)
    return best["bf16"] < EMULATED * best["f32"]
