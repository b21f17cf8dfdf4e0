"""Run the exported torch program on an NVIDIA GPU with PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import (
    NO_DRIVER,
    Arrays,
    Availability,
    CardSpans,
    NotRunnable,
    Runtime,
    Trial,
    check_settings,
    cuda_driver_found,
    gpu_name,
)
from .cuda_driver import Clock, Driver
from .torch_cpu import NUMBERS, TorchSession, load_program, why_not
from .words import Words

KNOWN_SETTINGS: dict[str, tuple[type, ...]] = {"num_threads": (int,), "precision": (str,), "compile": (bool,)}


class CudaTorchSession(TorchSession):
    """A torch session on a card with its own stream, so that two sessions can work at the same time."""

    def __init__(self, torch: Any, program: Any, names: tuple[list[str], list[str]], precision: str = "") -> None:
        """Wrap a program whose weights are on the card, and create the stream."""
        super().__init__(torch, program, names, "cuda:0", precision)
        self._stream = torch.cuda.Stream()
        self.device_ran = gpu_name()

    def _run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        with self._torch.cuda.stream(self._stream):
            return super()._run(feeds)

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Run one request at the program's own batch size; return its durations and its predictions."""
        clock = Clock(Driver(), int(self._stream.cuda_stream))
        with self._torch.cuda.stream(self._stream), self._torch.inference_mode():
            clock.mark()
            tensors = self._given(feeds)
            clock.mark()
            with clock.enqueuing():
                given = self._call(self._module, tensors)
            clock.mark()
            answers = self._arrays(given)
            clock.mark()
        self._stream.synchronize()
        return clock.spans(), answers


def load(path: Path, settings: Mapping[str, Any], threads: int) -> TorchSession:
    """Open the program next to `path` on the first GPU.

    The setting ``precision`` ("fp16", "bf16") chooses the number format, ``compile`` compiles the program.

    Raises:
        NotRunnable: there is no program or no GPU.
        ValueError: a setting is unknown.
    """
    check_settings(settings, KNOWN_SETTINGS)
    precision = str(settings.get("precision", ""))
    if precision and precision not in NUMBERS:
        raise ValueError(f"setting 'precision' cannot be {precision!r}")
    import torch

    threads = int(settings.get("num_threads", threads))
    torch.set_num_threads(threads)
    program, names = load_program(torch, path)
    try:
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, "cuda:0")
        session = CudaTorchSession(torch, program, names, precision)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch was built without CUDA
        raise NotRunnable(error) from error
    if settings.get("compile"):
        session.compile(threads)
    return session


def available() -> Availability:
    """Return whether the GPU computes a matrix product, which detects broken drivers and builds."""
    if not cuda_driver_found():
        return Availability(False, NO_DRIVER)
    if importlib.util.find_spec("torch") is None:
        return Availability(False, "pip install torch", installs="base")
    import torch

    if not torch.cuda.is_available():
        return Availability(False, "this PyTorch cannot use the GPU: it is not its build for CUDA")
    try:
        ones = torch.ones(8, 8, device="cuda:0")
        works = float((ones @ ones).sum()) == 512.0
    except RuntimeError as error:
        return Availability(False, Words("the GPU does not work with this PyTorch: {0}", NotRunnable(error)))
    return Availability(works, "" if works else Words("the GPU gave a wrong answer to a test product"))


HALF = Words("Half the digits, for which cards have arithmetic of their own.")
COMPILED = Words("PyTorch joins operators into programs for this card.")

RUNTIME = Runtime(
    id="torch-cuda",
    title="PyTorch (NVIDIA GPU)",
    device="cuda:0",
    formats=("onnx",),
    requirements=("numpy", "torch"),
    available=available,
    load=load,
    summary="Runs models that came with a torch source on an NVIDIA GPU.",
    family="torch",
    torch_program=True,
    trials=(
        Trial("gpu-torch", "PyTorch on the graphics card"),
        Trial("gpu-torch-fp16", "PyTorch in FP16 on the graphics card", HALF, (), {"precision": "fp16"}),
        Trial("gpu-torch-bf16", "PyTorch in BF16 on the graphics card", HALF, (), {"precision": "bf16"}),
        Trial("gpu-torch-compiled", "PyTorch, compiled for the graphics card", COMPILED, (), {"compile": True}),
        Trial(
            "gpu-torch-fp16-compiled", "PyTorch in FP16, compiled for the graphics card", COMPILED, (),
            {"precision": "fp16", "compile": True},
        ),
    ),
    why_not=why_not,
)  # fmt: skip
