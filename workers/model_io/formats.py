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
from workers.contracts.specs import Finding
from workers.model_io.facts import Found, Graph

Arrays = dict[str, NDArray[np.generic]]
Reference = Callable[[Mapping[str, NDArray[Any]]], Arrays]


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


@dataclass(frozen=True)
class Format:
    """`inspect` only reads. `open` also writes model.onnx (and what belongs to it) into the folder it is
    given."""

    id: str
    title: str
    inspect: Callable[[Path, OpenParams, JobContext], Draft]
    open: Callable[[Path, OpenParams, JobContext, Path], Draft]


MODULES = {
    "onnx": "onnx",
    "safetensors": "safetensors",
    "checkpoint": "checkpoint",
    "legacy_checkpoint": "checkpoint",
    "torchscript": "torchscript",
    "transformers": "transformers_folder",
    "encoder_decoder": "two_parts",
}


def format_of(kind: str) -> Format:
    """The format that opens what `sniff` found. Imported when it is needed, since some load torch."""
    return cast(Format, import_module(f"workers.model_io.readers.{MODULES[kind]}").FORMAT)
