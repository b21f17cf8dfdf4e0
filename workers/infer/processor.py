"""Detect what this computer's processor can do, without any library.

This is the only module that knows instruction sets. It is copied into bundles, so it imports nothing of Fettle.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .words import Words

CPUINFO = Path("/proc/cpuinfo")

Arithmetic = Literal["fp32", "bf16", "int8"]


@dataclass(frozen=True)
class Feature:
    """One instruction set of a processor.

    `flag` is its flag in /proc/cpuinfo, `name` its name in stored files, `title` its name for people ("" if it is not
    shown), and `arithmetic` the number format that it computes fast.
    """

    flag: str
    name: str
    title: str = ""
    arithmetic: Arithmetic = "fp32"


FEATURES = (
    Feature("avx2", "avx2", "AVX2"),
    Feature("avx512f", "avx512", "AVX-512"),
    Feature("avx512_bf16", "avx512_bf16", "AVX-512 BF16", "bf16"),
    Feature("avx_vnni", "avx_vnni", "AVX VNNI", "int8"),
    Feature("avx512_vnni", "avx512_vnni", "AVX-512 VNNI", "int8"),
    Feature("amx_bf16", "amx_bf16", "AMX (BF16)", "bf16"),
    Feature("amx_int8", "amx_int8", "AMX (INT8)", "int8"),
    Feature("amx_tile", "amx_tile"),
    Feature("asimd", "neon"),
    Feature("bf16", "neon_bf16", "NEON BF16", "bf16"),
    Feature("svebf16", "sve_bf16", "SVE BF16", "bf16"),
    Feature("asimddp", "neon_dotprod", "NEON dot products", "int8"),
    Feature("i8mm", "neon_i8mm", "NEON I8MM", "int8"),
)
"""All known instruction sets, the strongest of a family last.

Arm's dot products and I8MM both add 8-bit products in 32 bits, as VNNI does.
"""

LIMIT = "ONEDNN_MAX_CPU_ISA"
WITHOUT_BF16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"})
WITHOUT_INT8 = frozenset({"SSE41", "AVX", "AVX2", "AVX512_CORE"})
"""Levels of oneDNN's own limit at which it uses no BF16 or no INT8 instructions, whatever the processor has."""

NO_BF16 = Words("This processor has no arithmetic for such 16-bit numbers; emulating it would be far slower.")

EMULATED = 2.0
"""Smallest ratio of 16-bit to 32-bit time that indicates emulation (8 to 20 were seen)."""


def names_of(flags: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the known instruction sets among `flags`, in the order of `FEATURES`."""
    given = frozenset(flags)
    return tuple(feature.name for feature in FEATURES if feature.flag in given)


def known(names: Iterable[str]) -> tuple[Feature, ...]:
    """Return the features of these names that have a title, the strongest first."""
    given = frozenset(names)
    return tuple(feature for feature in reversed(FEATURES) if feature.name in given and feature.title)


def fast(names: Iterable[str]) -> frozenset[Arithmetic]:
    """Return the number formats for which a processor with these features has its own instructions."""
    return frozenset(feature.arithmetic for feature in known(names))


def _cpuinfo(*keys: str) -> str | None:
    """Return the first line of /proc/cpuinfo with one of these keys; None where there is none."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    rows = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in rows if key.strip() in keys), None)


def flags() -> frozenset[str] | None:
    """Return the instruction sets of the first processor; None where this system does not list them."""
    listed = _cpuinfo("flags", "Features")
    return None if listed is None else frozenset(listed.split())


def lacks_avx2() -> bool:
    """Return whether this is an x86 processor that is known to have no AVX2, on which all engines are slow."""
    listed = flags() or frozenset()
    return "sse2" in listed and "avx2" not in listed


def name() -> str:
    """Return the processor's name, in the same form as elsewhere in Fettle."""
    return _cpuinfo("model name") or platform.machine()


def has_int8() -> bool | None:
    """Return whether there are fast 8-bit instructions; None where that is unknown."""
    return _has("int8", WITHOUT_INT8)


def has_bf16(core: Any) -> bool:
    """Return whether OpenVINO (`core`) computes BF16 with the processor's own instructions.

    OpenVINO reports BF16 even where it emulates it, so its report alone does not suffice.
    """
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    report = _has("bf16", WITHOUT_BF16)
    return _is_fast(core) if report is None else report


def _has(wanted: Arithmetic, limits: frozenset[str]) -> bool | None:
    if os.environ.get(LIMIT, "").upper() in limits:
        return False
    listed = flags()
    return None if listed is None else wanted in fast(names_of(listed))


def _is_fast(core: Any) -> bool:
    """Measure a matrix product in both number formats; emulation is several times slower."""
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
