"""What one format module holds, and the table of them."""

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
from workers.model_io.facts import Found, Graph
from workers.pipeline.spec import PipelineSpec

Arrays = dict[str, NDArray[np.generic]]
Reference = Callable[[Mapping[str, NDArray[Any]]], Arrays]


@dataclass(frozen=True)
class Stored:
    """What makes a model that is no model.onnx run: its `runtime`, and the description that it carries, if any.

    `Write` leaves artifact.json beside such a model itself. `plain`: it is one file whose interface can be changed.
    """

    runtime: str
    pipeline: PipelineSpec | None = None
    plain: bool = True


@dataclass(frozen=True)
class Draft:
    """What a format module found. `files` are those that the model consists of (for size and hash).

    `reference` runs the source itself with the converted model's inputs; None where nothing was converted.
    """

    graph: Graph
    found: Found
    files: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()
    reference: Reference | None = None
    torch_program: str | None = None
    stored: Stored | None = None
    chat: ChatFacts | None = None


Write = Callable[[OpenParams, Path], Draft]
"""Goes on from what was read: puts model.onnx and what belongs to it into a folder, and tells what is known by then."""


@dataclass(frozen=True)
class Format:
    """`read` reads the file or folder once, runs nothing, and gives what goes on from there. Both may refuse."""

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
    """The format that opens what `sniff` found. Imported when it is needed, since some load torch."""
    return cast(Format, import_module(f"workers.model_io.{MODULES[kind]}").FORMAT)
