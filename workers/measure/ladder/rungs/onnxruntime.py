"""Check that ONNX Runtime's CUDA provider loads and computes the same product as the processor."""

import ctypes
import importlib.util
import re
from pathlib import Path

import numpy as np

from workers.contracts.gpu import GpuCard, RungResult
from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.infer import onnxruntime_cuda
from workers.infer.base import NotRunnable
from workers.infer.onnxruntime_cpu import import_library
from workers.measure.ladder.rung import Rung, broken, holds, not_here, to_install
from workers.measure.ladder.rungs.installed import CUDA, version_of

PROVIDERS = ("libonnxruntime_providers_cuda.so", "onnxruntime_providers_cuda.dll")
TOLERANCE = 1e-2
"""Relative tolerance; tensor cores round the factors of a product to 10 bits (TF32)."""


def _libraries(_card: GpuCard | None) -> RungResult:
    """Load the provider's library as ONNX Runtime does, after the CUDA libraries installed as packages."""
    spec = importlib.util.find_spec("onnxruntime")
    if not version_of(CUDA) or spec is None or spec.origin is None:
        return not_here()
    onnxruntime_cuda.preload(import_library())
    folder, package = Path(spec.origin).parent / "capi", f"onnxruntime-gpu {version_of(CUDA)}"
    provider = next((folder / name for name in PROVIDERS if (folder / name).exists()), None)
    if provider is None:
        reason = mark(
            "The package lacks its library for NVIDIA GPUs, because another package has overwritten its folder."
        )
        return to_install("mixed_set", package, reason, "Let the installer repair it.", "cuda")
    try:
        ctypes.CDLL(str(folder / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(provider))
    except OSError as error:
        name = re.match(r"(\S+): cannot open", str(error))
        reason = _("The library {0} was not found.").format(name[1]) if name else f"{error}."
        return to_install("missing_library", package, reason, "Let the installer repair it.", "cuda")
    return holds(_("{0} with CUDA's libraries.").format(package))


def compared(answer: np.ndarray, x: np.ndarray, what: str) -> RungResult:
    """Compare `answer` with the processor's product x·x in double precision."""
    right = x.astype(np.float64) @ x.astype(np.float64)
    error = float(np.abs(answer - right).max() / np.abs(right).max())
    if not error <= TOLERANCE:
        reason = _("The card's product differs from the processor's by {0}.").format(percent(error))
        return broken(
            "wrong_product", what, reason, "Update the driver. If that does not help, the card may be broken."
        )
    return holds(_("{0}: the product is the processor's (largest difference {1:.1e}).").format(what, error))


def trial_input() -> np.ndarray:
    """Return a float32 array (8, 8) that is the same every time."""
    return np.random.default_rng(0).standard_normal((8, 8), np.float32)


def _product(_card: GpuCard | None) -> RungResult:
    if not version_of(CUDA):
        return not_here()
    x = trial_input()
    try:
        answer = onnxruntime_cuda.probe(import_library(), x)
    except NotRunnable as error:
        package, why = f"onnxruntime-gpu {version_of(CUDA)}", _("It refused: {0}.").format(error)
        return to_install(
            "no_product", package, why, "Repair the step before this one, or let the installer do it.", "cuda"
        )
    return compared(answer, x, "ONNX Runtime")


RUNGS = (
    Rung("onnxruntime-libraries", "ONNX Runtime's CUDA libraries", 60, _libraries, needs=("driver",)),
    Rung("onnxruntime-product", "A product in ONNX Runtime", 65, _product, needs=("context", "onnxruntime-libraries")),
)
