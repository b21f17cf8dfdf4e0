"""Read PyTorch checkpoints that hold only tensors, zipped (torch 1.6 and later) or in the older format."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.model_io.budget import checking
from workers.model_io.facts import info
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.torch.pickles import legacy_calls, refuse_others, torch_zip_calls
from workers.model_io.readers.torch.zip_check import read_directory
from workers.model_io.readers.weights import Tensors, find_tensors, read_weights
from workers.model_io.words import damaged, first_line, shown

SCANNED = info(
    "It is a pickle, which could run a program. A scanner found nothing in it but tensors, and only PyTorch's loader "
    "for plain tensors reads it."
)


def read_checkpoint(path: Path, ctx: JobContext) -> tuple[Tensors, tuple[Finding, ...]]:
    """Return the named tensors, read by the weights-only loader alone.

    Raises:
        InputRefused: the file is unsafe or damaged.
    """
    zipped = check_checkpoint(path, ctx)  # also imports torch, before the time limit starts
    with checking(ctx, [path]):
        tensors, findings = find_tensors(path, _load(path, zipped))
    return tensors, (SCANNED, *findings)


def check_checkpoint(path: Path, ctx: JobContext) -> bool:
    """Check a checkpoint without loading it; return True for the zipped format.

    Raises:
        InputRefused: its pickle would call anything but tensors.
    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    names = (torch_zip_calls if zipped else legacy_calls)(path, ctx)
    refuse_others(path, names)
    return zipped


def _load(path: Path, zipped: bool) -> Any:
    import torch

    try:
        loaded = torch.load(str(path), map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # torch raises RuntimeError, UnpicklingError, EOFError, IndexError, AssertionError …
        raise damaged(path, shown(first_line(error), 200)) from error
    if zipped:
        _check_storages(path, loaded)
    return loaded


def _check_storages(path: Path, loaded: Any) -> None:
    """Check that no tensor claims more bytes than its part of the file, because a memory map would read behind it."""
    records = Counter(
        member.size_bytes for member in read_directory(path) if "/data/" in f"/{member.name.split('/', 1)[-1]}"
    )
    claimed = Counter(dict(_storages(loaded)).values())
    if any(claimed[size] > records[size] for size in claimed):
        raise damaged(path, "a tensor in it is larger than its part of the file.")


def _storages(value: Any) -> Iterator[tuple[int, int]]:
    """Yield address and bytes of the storage of every tensor in nested containers."""
    import torch

    if isinstance(value, torch.Tensor):
        storage = value.untyped_storage()
        if storage.nbytes():
            yield storage.data_ptr(), storage.nbytes()
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _storages(inner)


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read the tensors and recognize the architecture."""
    return read_weights(path, *read_checkpoint(path, ctx), params, ctx)
