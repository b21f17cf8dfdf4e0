"""Define what a format module provides, and list all format modules."""

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
from workers.model_io.facts import Graph, ModelFacts
from workers.pipeline.spec import PipelineSpec

Arrays = dict[str, NDArray[np.generic]]
Reference = Callable[[Mapping[str, NDArray[Any]]], Arrays]


@dataclass(frozen=True)
class ModelFormat:
    """Description of a model that is not a model.onnx: its `runtime`, and its own pipeline, if any.

    `Write` writes artifact.json beside such a model itself. `plain` means that the model is one file whose interface
    can be changed.
    """

    runtime: str
    pipeline: PipelineSpec | None = None
    plain: bool = True


@dataclass(frozen=True)
class Draft:
    """Result of a format module.

    `files` are the files of the model (for size and hash). `reference` runs the source with the converted model's
    inputs; None where nothing was converted.
    """

    graph: Graph
    found: ModelFacts
    files: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()
    reference: Reference | None = None
    torch_program: str | None = None
    stored: ModelFormat | None = None
    chat: ChatFacts | None = None


Write = Callable[[OpenParams, Path], Draft]
"""Continues after reading: writes model.onnx and its companions into a folder and returns the completed draft."""


@dataclass(frozen=True)
class Format:
    """One format of models.

    `read` reads the file or folder once without running it, and returns the draft and how to continue. Both may refuse.
    """

    id: str
    title: str
    read: Callable[[Path, OpenParams, JobContext], tuple[Draft, Write]]


MODULES = {
    "onnx": "readers.onnx",
    "safetensors": "readers.safetensors",
    "checkpoint": "readers.torch.checkpoint",
    "legacy_checkpoint": "readers.torch.checkpoint",
    "torchscript": "readers.torch.torchscript",
    "transformers": "readers.transformers_folder",
    "encoder_decoder": "readers.two_parts",
    "gguf": "gguf.reader",
    "openvino_ir": "ready_made.openvino_ir",
    "bundle": "ready_made.bundle",
}


def format_of(kind: str) -> Format:
    """Return the format for a kind that `sniff` detected, imported on demand because some modules load torch."""
    return cast(Format, import_module(f"workers.model_io.{MODULES[kind]}").FORMAT)
