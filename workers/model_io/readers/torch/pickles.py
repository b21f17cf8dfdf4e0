"""Read pickles, which are programs, only as text, and refuse everything except plain tensors with a remedy.

The scanner explains what a pickle would run. The protection is that only `torch.load(weights_only=True)` ever loads
one.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from workers.contracts.process.context import JobContext
from workers.model_io.budget import checking
from workers.model_io.readers.torch.zip_check import Member, read_directory
from workers.model_io.words import damaged, refuse, shown, unsafe

MAX_PICKLE_BYTES = 64 * 2**20
_EXPECTED = re.compile(
    r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+"
)
_LEGACY_PICKLES = 5  # magic number, protocol, system, object, storage keys
_MODULE_HINT = "Ask for the weights alone (torch.save(model.state_dict(), …)), or for TorchScript, safetensors or ONNX."


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
            raise unsafe(f"{path.name} holds {shown(member.name)}, which does not belong in a file of weights.")
    return names


def read_member(path: Path, member: Member) -> bytes:
    """Return one stored pickle of the file.

    Raises:
        InputRefused: it is compressed or too large.
    """
    if member.method != zipfile.ZIP_STORED or member.size_bytes > MAX_PICKLE_BYTES:
        raise unsafe(f"{path.name} keeps its description packed or far too large, as PyTorch never does.")
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
        names: list[str] = []
        with checking(ctx, [path]):
            for _ in range(_LEGACY_PICKLES if is_torch else 1):
                names += check_calls(path, file, once=is_torch)
    if not is_torch:
        raise refuse(
            "pickle",
            "This is a pickle, not a model",
            f"{path.name} is a Python pickle. Opening one can run any program, so Fettle never does.",
            _MODULE_HINT,
        )
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
            f"{path.name} needs Python code to be opened ({shown(', '.join(others[:6]), 200)}), perhaps a whole model "
            "saved with torch.save(model). That code could do anything, so Fettle does not open it.",
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
        raise damaged(path, "its description of the tensors is broken.") from error
    names = sorted({f"{found.module}.{found.name}" for found in result.globals})
    dangerous = sorted({f"{f.module}.{f.name}" for f in result.globals if f.safety is SafetyLevel.Dangerous})
    if dangerous:
        raise unsafe(
            f"{path.name} would run {shown(', '.join(dangerous), 200)} when it is opened. Nothing of it was run.",
            "Delete the file, and get the model from a source that you trust, as safetensors or ONNX.",
        )
    if result.scan_err:
        raise damaged(path, "its description of the tensors is broken.")
    return names


def _allowed() -> set[str]:
    """Return the names that torch's own weights-only loader accepts."""
    import torch
    from torch._weights_only_unpickler import _get_allowed_globals

    names = set(_get_allowed_globals())
    names |= {f"torch.{name}" for name in dir(torch) if name.endswith("Storage")}
    return names | {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"}
