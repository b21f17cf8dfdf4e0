"""Read the header of a GGUF file: its metadata and the position of each tensor.

Source: github.com/ggml-org/ggml, docs/gguf.md. This reader is stricter than llama.cpp: it uses no number before it has
checked that the file is long enough.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.model_io.words import damaged, refuse, shown, unsafe

MAGIC = b"GGUF"
VERSIONS = (2, 3)
NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, ARRAY = 8, 9
LEAST_KEY_BYTES, LEAST_TENSOR_BYTES, LEAST_TEXT_BYTES = 8 + 4 + 1, 8 + 4 + 8 + 4 + 8, 8
MOST_HEADER_BYTES, MOST_TEXT_BYTES, MOST_NAME_BYTES = 256 << 20, 16 << 20, 1024
MOST_AXES, MOST_ALIGNMENT = 4, 1 << 16
MOST_ENTRIES, MOST_LISTED = 1 << 16, 1 << 22
"""Most keys, most tensors, and most values in all lists. Python needs up to 60 bytes for a value that takes one byte in
the file.
"""

PLAIN = {0: ("F32", 4), 1: ("F16", 2), 30: ("BF16", 2)}
"""ggml's type numbers with name and bytes per number."""

OTHERS = {
    6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 15: "Q8_K", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 34: "TQ1_0",
    35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip
"""Names of types that transformers cannot unpack."""


@dataclass(frozen=True)
class Tensor:
    """One tensor: `shape` as in torch, `kind` is ggml's type number, `start` and `size` are in bytes of the file."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int


@dataclass(frozen=True)
class Header:
    """The content of a header; `values` holds its metadata: numbers, texts, and lists of these."""

    values: Mapping[str, Any]
    tensors: tuple[Tensor, ...]

    @property
    def architecture(self) -> str:
        """Return the architecture's name."""
        return self.text("general.architecture")

    def text(self, key: str) -> str:
        """Return a text of the metadata, or "" where there is none."""
        found = self.values.get(key)
        return found if isinstance(found, str) else ""

    def number(self, key: str) -> int | None:
        """Return a whole number of at least 0 from the metadata; None for anything else."""
        found = self.values.get(key)
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None

    def tensor(self, name: str) -> Tensor | None:
        """Return the tensor with this name, or None."""
        return next((tensor for tensor in self.tensors if tensor.name == name), None)


def blocks() -> dict[int, tuple[str, int, int]]:
    """Return name, numbers per block and bytes per block of each readable type."""
    from transformers.integrations.gguf.dequant import GGML_BLOCK, GGML_NAME

    plain = {kind: (name, 1, size) for kind, (name, size) in PLAIN.items()}
    return plain | {kind: (str(GGML_NAME[kind]), int(n), int(size)) for kind, (n, size) in GGML_BLOCK.items()}


def read_header(path: Path, known: Mapping[int, tuple[str, int, int]]) -> Header:
    """Read a header; `known` is the result of `blocks`.

    Raises:
        InputRefused: the file is damaged or unsupported.
    """
    with path.open("rb") as file:
        return _Reader(path, file).header(known)


class _Reader:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file, self._size = path, file, path.stat().st_size
        self._listed = 0

    def header(self, known: Mapping[int, tuple[str, int, int]]) -> Header:
        self._take(len(MAGIC))
        version = self._number("<I")
        if version not in VERSIONS:
            raise refuse(
                "unsupported_version",
                "This version of GGUF is not supported",
                _("{0} is a GGUF file of version {1:,}, and versions 2 and 3 can be opened.").format(
                    self._path.name, version
                ),
                "Convert the model again with a newer llama.cpp.",
            )
        count, keys = self._number("<Q"), self._number("<Q")
        self._room(keys, LEAST_KEY_BYTES, MOST_ENTRIES, counted(keys, "entry", "entries"))
        values: dict[str, Any] = {}
        for _entry in range(keys):
            key = self._text(MOST_NAME_BYTES)
            if key in values:
                raise unsafe(_("{0} states {1} twice.").format(self._path.name, shown(key, 60)))
            values[key] = self._value(self._number("<I"))
        self._room(count, LEAST_TENSOR_BYTES, MOST_ENTRIES, counted(count, "tensor"))
        tensors = [self._tensor(known) for _ in range(count)]
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= MOST_ALIGNMENT or alignment & (alignment - 1):
            raise damaged(self._path, _("its alignment of {0} makes no sense.").format(shown(alignment, 30)))
        return Header(values, self._placed(tensors, alignment))

    def _take(self, count: int) -> bytes:
        if self._file.tell() + count > min(self._size, MOST_HEADER_BYTES):
            raise damaged(
                self._path, _("its header claims {0:,} bytes more, and the file has {1:,}.").format(count, self._size)
            )
        return self._file.read(count)

    def _number(self, form: str) -> Any:
        (found,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return found

    def _room(self, count: int, least: int, most: int, what: str) -> None:
        """Check that the file can hold `count` values of at least `least` bytes, and that they are at most `most`."""
        if count * least > self._size - self._file.tell():
            raise damaged(
                self._path,
                _("its header claims {0}, more than {1:,} bytes can hold.").format(what, self._size),
            )
        if count > most:
            raise damaged(self._path, _("its header claims {0}, more than any model has.").format(what))

    def _text(self, most: int = MOST_TEXT_BYTES) -> str:
        length = self._number("<Q")
        if length > most:
            raise damaged(self._path, _("its header claims a text of {0:,} bytes.").format(length))
        return self._take(length).decode("utf-8", "replace")

    def _value(self, kind: int) -> Any:
        if kind in NUMBERS:
            return self._number(NUMBERS[kind])
        if kind == TEXT:
            return self._text()
        if kind != ARRAY:
            raise damaged(self._path, _("its header holds a value of the unknown kind {0:,}.").format(kind))
        inner, count = self._number("<I"), self._number("<Q")
        if inner != TEXT and inner not in NUMBERS:
            raise damaged(self._path, _("its header holds a list of the unknown kind {0:,}.").format(inner))
        width = LEAST_TEXT_BYTES if inner == TEXT else struct.calcsize(NUMBERS[inner])
        what = counted(count, "text") if inner == TEXT else counted(count, "number")
        self._room(count, width, MOST_LISTED - self._listed, what)
        self._listed += count
        if inner == TEXT:
            return [self._text() for _ in range(count)]
        return list(struct.unpack(f"<{count}{NUMBERS[inner][1]}", self._take(count * width)))

    def _tensor(self, known: Mapping[int, tuple[str, int, int]]) -> Tensor:
        """Return a tensor whose `start` counts from the end of the header."""
        name, axes = self._text(MOST_NAME_BYTES), self._number("<I")
        if not 1 <= axes <= MOST_AXES:
            raise damaged(self._path, _("its tensor {0} has {1:,} axes.").format(shown(name, 60), axes))
        shape = tuple(reversed([self._number("<Q") for _ in range(axes)]))
        kind, offset = self._number("<I"), self._number("<Q")
        if kind not in known:
            listed = ", ".join(sorted({type_name for type_name, *_ in known.values()}))
            raise refuse(
                "unsupported_weights",
                "Weights of this kind are not supported",
                _("{0} stores {1} as {2}.").format(
                    self._path.name, shown(name, 60), OTHERS.get(kind, _("the unknown type {0:,}").format(kind))
                ),
                _("Look for the same model in one of these: {0}.").format(listed),
            )
        type_name, numbers, size = known[kind]
        if min(shape) < 1 or math.prod(shape) >= 1 << 48 or shape[-1] % numbers:
            raise damaged(self._path, _("the shape of {0} does not fit {1}.").format(shown(name, 60), type_name))
        return Tensor(name, shape, kind, offset, math.prod(shape) // numbers * size)

    def _placed(self, tensors: list[Tensor], alignment: int) -> tuple[Tensor, ...]:
        """Return the tensors with their positions; each must start where the previous one ends, as in llama.cpp."""
        begin = -(-self._file.tell() // alignment) * alignment
        at, placed, names = 0, [], set()
        for tensor in tensors:
            name, size = tensor.name, tensor.size
            if tensor.start != at:
                raise unsafe(_("{0} holds tensors that overlap or leave room between them.").format(self._path.name))
            if name in names:
                raise unsafe(_("{0} describes {1} twice.").format(self._path.name, shown(name, 60)))
            if begin + at + size > self._size:
                missing = begin + at + size - self._size
                raise damaged(
                    self._path, _("{0:,} bytes of {1} are missing at its end.").format(missing, shown(name, 60))
                )
            names.add(name)
            placed.append(replace(tensor, start=begin + at))
            at = -(-(at + size) // alignment) * alignment
        if not placed:
            raise refuse(
                "empty",
                "The file is empty",
                _("{0} holds no tensors.").format(self._path.name),
                "Download the model itself.",
            )
        return tuple(placed)
