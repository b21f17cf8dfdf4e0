"""Run models on the processor with OpenVINO: fixed shapes, bfloat16 where supported, reused tensors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import (
    Arrays,
    NotRunnable,
    Refusal,
    Runtime,
    Session,
    SessionOptions,
    fixed_at_one,
    installed,
    join_batch,
    split_batch,
    without_constants,
)
from .cascade import open_cascade
from .openvino_buckets import BucketSession
from .openvino_chat import OpenVinoChat
from .openvino_program import Program, compile_program, fits, import_library, options_of, read_model
from .pixels import open_pixels
from .processor import NO_BF16


class OpenVinoSession:
    """One OpenVINO model with a program of fixed shapes, and one of free shapes for all other sizes.

    The second program is compiled on first use, so that every size the original accepts works.
    """

    device_ran = "cpu"

    def __init__(self, openvino: Any, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        """Read and compile the model.

        Args:
            openvino: the imported library.
            path: the model file.
            settings: the settings of the version.
            threads: number of threads unless the settings give one.

        Raises:
            NotRunnable: the library refuses the model.
        """
        self._core = openvino.Core()
        self._path = path
        self._constants = dict(settings.get("constants", {}))
        self._options, self.fallbacks = options_of(self._core, settings, threads)
        shapes = {name: list(sizes) for name, sizes in dict(settings.get("shapes", {})).items()}
        self._program = self._compile(shapes)
        self._free: Program | None = None if shapes else self._program

    def _compile(self, shapes: Mapping[str, list[int]]) -> Program:
        try:
            model = read_model(self._core, self._path, shapes)
        except RuntimeError as error:
            raise NotRunnable(error) from error
        return compile_program(self._core, model, self._options)

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch of any size that the original accepts."""
        program = self._program
        if self._as_built(feeds) and program.fill(feeds, len(self._constants)):
            return program.answer()
        if self._constants:
            feeds = without_constants(feeds, self._constants)
        shapes = program.shapes
        if all(fits(shapes.get(name, ()), array.shape) for name, array in feeds.items()):
            return program.run(feeds)
        single = fixed_at_one(feeds, shapes)
        parts = split_batch(feeds, single) if single else []
        if parts and all(fits(shapes.get(name, ()), array.shape) for name, array in parts[0].items()):
            return join_batch([program.run(part) for part in parts])
        if self._free is None:
            self._free = self._compile({})
        return self._free.run(feeds)

    def _as_built(self, feeds: Mapping[str, NDArray[np.generic]]) -> bool:
        """Return whether every constant input is fed with the one number that was built in."""
        given = ((feeds.get(name), value) for name, value in self._constants.items())
        return all(array is not None and array.size == 1 and array.item() == value for array, value in given)

    def close(self) -> None:
        """Release both programs."""
        del self._program
        self._free = None


def load(path: Path, settings: Mapping[str, Any], threads: int) -> Session:
    """Open `model.onnx` or `model.xml`.

    Raises:
        NotRunnable: the library refuses the model.
        ValueError: a setting is unknown.
    """
    if "cascade" in settings:
        return open_cascade(load, path, settings, threads)
    if "pixels" in settings:
        return open_pixels(load, path, settings, threads)
    if "buckets" in settings:
        return BucketSession(import_library(), path, settings, threads)
    if settings.get("chat"):
        return OpenVinoChat(import_library(), path, settings, threads)
    return OpenVinoSession(import_library(), path, settings, threads)


def why_not(wanted: SessionOptions) -> Refusal | None:
    """Reject operators of ai.onnx.ml, none of which it reads, and bfloat16 where it would only be emulated."""
    if wanted.classic:
        return Refusal("classic", "It knows no trees, linear models and other operators of scikit-learn's models.")
    if wanted.settings.get("inference_precision") == "bf16" and "bf16" not in wanted.fast:
        return Refusal("no_bf16", NO_BF16)
    return None


def needs(wanted: SessionOptions) -> tuple[str, ...]:
    """Return the techniques that must be applied before OpenVINO can read the model.

    It cannot read some branches; they disappear when the input that chooses between them is built in. It reads some
    operators only with known axes. A stateful model runs one step at a time anyway, so its shapes can be fixed.
    """
    folded = ("graph_optimize",) if wanted.branches and wanted.constants else ()
    fixed = ("fixed_shape",) if wanted.stateful and wanted.free_sizes else ()
    return (*folded, *fixed)


RUNTIME = Runtime(
    id="openvino",
    title="OpenVINO (processor)",
    device="cpu",
    formats=("onnx", "openvino-ir"),
    requirements=("numpy", "openvino"),
    available=partial(installed, "openvino"),
    load=load,
    summary="Often the fastest engine on a processor; knows 16-bit numbers and fixed shapes.",
    family="openvino",
    one_core=True,
    usual={"inference_precision": "f32"},
    why_not=why_not,
    needs=needs,
)
