"""PyTorch checkpoints that hold tensors only, zipped (torch 1.6 and later) or in the older format."""

from pathlib import Path
from typing import Any

from workers.contracts.context import JobContext
from workers.contracts.jobs import OpenParams
from workers.contracts.specs import Finding
from workers.model_io.formats import Draft, Format
from workers.model_io.pickles import check_legacy, check_torch_zip
from workers.model_io.tensors import Tensors, find_tensors
from workers.model_io.weights import inspect_weights, open_weights
from workers.model_io.words import damaged, shown


def read_checkpoint(path: Path) -> tuple[Tensors, tuple[Finding, ...]]:
    """The named tensors, by the weights-only loader alone. Raises `InputRefused`."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        check_torch_zip(path)
    else:
        check_legacy(path)
    return find_tensors(path, _load(path, zipped))


def _load(path: Path, zipped: bool) -> Any:
    import torch

    try:
        return torch.load(str(path), map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # torch raises RuntimeError, UnpicklingError, EOFError, IndexError, AssertionError …
        raise damaged(path, shown(str(error).strip().split("\n")[0], 200)) from error


def inspect(path: Path, params: OpenParams, ctx: JobContext) -> Draft:
    """Reads the tensors and recognizes the architecture."""
    return inspect_weights(path, *read_checkpoint(path), params, ctx)


def open_(path: Path, params: OpenParams, ctx: JobContext, target: Path) -> Draft:
    """Also converts the recognized module into `target`."""
    return open_weights(path, *read_checkpoint(path), params, ctx, target)


FORMAT = Format(id="checkpoint", title="PyTorch checkpoint", inspect=inspect, open=open_)
