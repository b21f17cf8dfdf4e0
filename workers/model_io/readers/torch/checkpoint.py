"""Read PyTorch checkpoints that hold only tensors, zipped (torch 1.6 and later) or in the older format.

Pickles, which are programs, are read only as text, and everything except plain tensors is refused with a remedy. The
scanner explains what a pickle would run. The protection is that only `torch.load(weights_only=True)` ever loads one.
"""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.contracts.translation import _, mark
from workers.model_io.budget import checking
from workers.model_io.facts import info
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.torch.zip_check import Member, read_directory
from workers.model_io.readers.weights import Tensors, find_tensors, read_weights
from workers.model_io.words import damaged, first_line, refuse, shown, unsafe

MAX_PICKLE_BYTES = 64 * 2**20
_EXPECTED = re.compile(
    r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+"
)
_LEGACY_PICKLES = 5  # magic number, protocol, system, object, storage keys
_MODULE_HINT = mark(
    "Ask for the weights alone (torch.save(model.state_dict(), …)), or for TorchScript, safetensors or ONNX."
)

_SCIKIT_NAMES = (b"sklearn.", b"joblib.")
"""Modules at the start of what scikit-learn's users save with pickle or joblib, which puts arrays between the parts."""
_SCIKIT_WITHIN_BYTES = 4096
_SCIKIT_HINT = mark("Convert it to ONNX with skl2onnx, and open the .onnx file.")


def torch_zip_calls(path: Path, ctx: JobContext) -> list[str]:
    """Return the names that a zipped checkpoint calls.

    Dangerous names are reported first, wherever they are.

    Raises:
        InputRefused: a name is dangerous, or a file does not belong into a checkpoint.
    """
    members = read_directory(path)
    pickles = [member for member in members if member.name.endswith((".pkl", ".p", ".pickle"))]
    names: list[str] = []
    with checking(ctx, [path]):
        for member in pickles:
            names += check_calls(path, io.BytesIO(read_member(path, member)))
    for member in members:
        if not _EXPECTED.fullmatch(member.name.split("/", 1)[-1]):
            raise unsafe(
                _("{0} holds {1}, which does not belong in a file of weights.").format(path.name, shown(member.name))
            )
    return names


def read_member(path: Path, member: Member) -> bytes:
    """Return one stored pickle of the file.

    Raises:
        InputRefused: it is compressed or too large.
    """
    if member.method != zipfile.ZIP_STORED or member.size_bytes > MAX_PICKLE_BYTES:
        raise unsafe(_("{0} keeps its description packed or far too large, as PyTorch never does.").format(path.name))
    with path.open("rb") as file:
        file.seek(member.data_offset)
        return file.read(member.size_bytes)


def legacy_calls(path: Path, ctx: JobContext) -> list[str]:
    """Return the names that a file of torch.save's old format calls.

    Raises:
        InputRefused: it is any other pickle.
    """
    from picklescan.scanner import MAGIC_NUMBER, get_magic_number

    with path.open("rb") as file:
        try:
            is_torch = get_magic_number(file) == MAGIC_NUMBER
        except Exception:  # picklescan passes on errors of pickletools and struct
            is_torch = False
        file.seek(0)
        head = file.read(_SCIKIT_WITHIN_BYTES)
        is_scikit = not is_torch and any(name in head for name in _SCIKIT_NAMES)
        file.seek(0)
        names: list[str] = []
        with checking(ctx, [path]):
            for _pickle in range(_LEGACY_PICKLES if is_torch else 1):
                try:
                    names += check_calls(path, file, once=is_torch)
                except InputRefused as error:
                    if not is_scikit or error.code != "damaged":
                        raise
    if not is_torch:
        what = _("{0} is a Python pickle. Opening one can run any program, so Fettle never does.")
        if is_scikit:
            what = _("{0} is a Python pickle of scikit-learn. Opening one can run any program, so Fettle never does.")
        hint = _SCIKIT_HINT if is_scikit else _MODULE_HINT
        raise refuse("pickle", "This is a pickle, not a model", what.format(path.name), hint)
    return names


def refuse_others(path: Path, names: list[str]) -> None:
    """Refuse a pickle that calls anything that tensors do not need. Imports torch.

    Raises:
        InputRefused: it calls other names.
    """
    if others := sorted(set(names) - _allowed()):
        raise refuse(
            "pickled_objects",
            "The file holds more than weights",
            _(
                "{0} needs Python code to be opened ({1}), perhaps a whole model saved with torch.save(model). "
                "That code could do anything, so Fettle does not open it."
            ).format(path.name, shown(", ".join(others[:6]), 200)),
            _MODULE_HINT,
        )


def check_calls(path: Path, data: BinaryIO, once: bool = True) -> list[str]:
    """Return the names that a pickle calls.

    Raises:
        InputRefused: one of them is known to be dangerous.
    """
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes

    try:
        result = scan_pickle_bytes(data, path.name, multiple_pickles=not once)
    except Exception as error:  # picklescan passes on errors of pickletools and struct
        raise damaged(path, _("its description of the tensors is broken.")) from error
    names = sorted({f"{found.module}.{found.name}" for found in result.globals})
    dangerous = sorted({f"{f.module}.{f.name}" for f in result.globals if f.safety is SafetyLevel.Dangerous})
    if dangerous:
        raise unsafe(
            _("{0} would run {1} when it is opened. Nothing of it was run.").format(
                path.name, shown(", ".join(dangerous), 200)
            ),
            _("Delete the file, and get the model from a source that you trust, as safetensors or ONNX."),
        )
    if result.scan_err:
        raise damaged(path, _("its description of the tensors is broken."))
    return names


def _allowed() -> set[str]:
    """Return the names that torch's own weights-only loader accepts."""
    import torch
    from torch._weights_only_unpickler import _get_allowed_globals

    names = set(_get_allowed_globals())
    names |= {f"torch.{name}" for name in dir(torch) if name.endswith("Storage")}
    return names | {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"}


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
        raise damaged(path, _("a tensor in it is larger than its part of the file."))


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
