"""Define what a format module provides, and list all formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ChatFacts, Finding
from workers.contracts.translation import mark
from workers.model_io.facts import Graph, ModelFacts
from workers.pipeline.spec import PipelineSpec

Arrays = dict[str, NDArray[np.generic]]
Reference = Callable[[Mapping[str, NDArray[Any]]], Arrays]


@dataclass(frozen=True)
class Source:
    """A file or folder to open, as `sniff` detected it: `kind` is a format's id, or "zip"."""

    kind: str
    path: Path
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Draft:
    """Result of a format module.

    `files` are the files of the model (for size and hash). `reference` runs the source with the converted model's
    inputs; None where nothing was converted. `runtime` is the one runtime of a model that is not a model.onnx; `Write`
    then writes its artifact.json. Such a model may have its own `pipeline`, and is `plain` if it is one file whose
    interface can be changed.
    """

    graph: Graph
    facts: ModelFacts
    files: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()
    reference: Reference | None = None
    torch_program: str | None = None
    runtime: str | None = None
    pipeline: PipelineSpec | None = None
    plain: bool = True
    chat: ChatFacts | None = None


Write = Callable[[OpenParams, Path], Draft]
"""Continues after reading: writes model.onnx and its companions into a folder and returns the completed draft."""


FORMATS = {
    "onnx": ("ONNX", "readers.onnx"),
    "safetensors": ("safetensors", "readers.safetensors"),
    "checkpoint": (mark("PyTorch checkpoint"), "readers.torch.checkpoint"),
    "torchscript": ("TorchScript", "readers.torch.torchscript"),
    "transformers": (mark("transformers folder"), "readers.transformers_folder"),
    "encoder_decoder": (mark("multi-part (encoder and decoder)"), "readers.two_parts"),
    "gguf": ("GGUF", "gguf.reader"),
    "openvino_ir": ("OpenVINO IR", "ready_made.openvino_ir"),
    "bundle": (mark("bundle"), "ready_made.bundle"),
}
"""Title and module of each format.

A module's `read(path, params, ctx)` reads the file or folder once without running it, and returns a `Draft` and a
`Write`. Both may refuse. Modules are imported on demand, because some load torch.
"""


def read(source: Source, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read a model with the module of its format."""
    module: Any = import_module(f"workers.model_io.{FORMATS[source.kind][1]}")
    return cast(tuple[Draft, Write], module.read(source.path, params, ctx))
