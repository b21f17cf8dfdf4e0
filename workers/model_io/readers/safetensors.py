"""Read safetensors files (a JSON header and raw numbers) and check the header more strictly than the format."""

import json
import math
import struct
from pathlib import Path
from typing import Any

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.contracts.translation import _
from workers.model_io.budget import checking
from workers.model_io.facts import info
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.magic import SAFETENSORS_HEADER_LIMIT
from workers.model_io.readers.neighbors import read_dict
from workers.model_io.readers.weights import Tensors, find_tensors, read_weights
from workers.model_io.words import damaged, refuse, shown, unsafe

# bits of one number (safetensors' README, "format")
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


def check_header(path: Path) -> dict[str, Any]:
    """Return the header after checking that every byte of the file belongs to exactly one tensor.

    Raises:
        InputRefused: the file is damaged or unsafe.
    """
    size = path.stat().st_size
    if size < 8:
        raise damaged(path, _("it has {0} bytes, fewer than its header needs.").format(size))
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > SAFETENSORS_HEADER_LIMIT or length + 8 > size:
            raise damaged(path, _("its header claims {0} bytes, and the file has {1}.").format(length, size))
        raw = file.read(length)
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError) as error:
        if isinstance(error, _Doubled):
            raise unsafe(_("{0} describes {1} twice.").format(path.name, shown(error))) from error
        raise damaged(path, _("its header is no JSON text.")) from error
    if not isinstance(header, dict):
        raise damaged(path, _("its header describes no tensors."))
    header.pop("__metadata__", None)
    spans = sorted(_span(path, name, entry) for name, entry in header.items())
    _check_spans(path, spans, size - 8 - length)
    return header


class _Doubled(ValueError):
    """A key that occurs twice."""


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Doubled(key)
        found[key] = value
    return found


def _span(path: Path, name: str, entry: Any) -> tuple[int, int]:
    try:
        begin, end = entry["data_offsets"]
        shape, bits = entry["shape"], _BITS[entry["dtype"]]
        sound = all(isinstance(n, int) and 0 <= n < 2**62 for n in (begin, end, *shape))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, _("its description of {0} makes no sense.").format(shown(name, 60))) from error
    if not sound or begin > end or (end - begin) * 8 != math.prod(shape) * bits:
        raise damaged(path, _("the shape of {0} and its bytes do not fit together.").format(shown(name, 60)))
    return begin, end


def _check_spans(path: Path, spans: list[tuple[int, int]], size: int) -> None:
    at = 0
    for begin, end in spans:
        if begin < at:
            raise unsafe(_("{0} holds tensors that overlap.").format(path.name))
        if begin > at:
            raise unsafe(_("{0} holds bytes that belong to no tensor.").format(path.name))
        at = end
    if at > size:
        raise damaged(path, _("{0} bytes are missing at its end.").format(at - size))
    if at < size:
        raise unsafe(_("{0} holds {1} bytes behind its last tensor.").format(path.name, size - at))


def read_tensors(path: Path, ctx: JobContext) -> tuple[Tensors, tuple[Finding, ...]]:
    """Return all tensors after checking the header.

    Raises:
        InputRefused: the file is damaged, unsafe or empty.
    """
    with checking(ctx, [path]):
        header = check_header(path)
    if not header:
        raise refuse(
            "empty", "The file is empty", _("{0} holds no tensors.").format(path.name), "Save the weights again."
        )
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with checking(ctx, [path]):
            tensors, findings = find_tensors(path, load_file(str(path)))
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise damaged(path, shown(error, 200)) from error
    return tensors, (whole(len(header)), *findings)


def whole(tensors: int) -> Finding:
    """Return the finding that the check of a header passed."""
    return info(
        _("safetensors hold numbers only; every byte of the file belongs to one of its {0:,} tensors.").format(tensors)
    )


def _with_hint(path: Path, params: OpenParams) -> OpenParams:
    """Add the architecture that config.json names in timm's folders on the hub."""
    config = read_dict(path.parent / "config.json")
    name, more = config.get("architecture"), config.get("pretrained_cfg")
    if params.architecture or not isinstance(name, str):
        return params
    tag = more.get("tag") if isinstance(more, dict) else None
    full = f"{name}.{tag}" if isinstance(tag, str) and "." not in name else name
    return params.model_copy(update={"architecture": f"timm/{full}"})


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read the tensors and recognize the architecture."""
    return read_weights(path, *read_tensors(path, ctx), _with_hint(path, params), ctx)
