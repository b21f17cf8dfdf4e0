"""Digests, number types and sizes of weights, alike for all formats."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

CHUNK_BYTES = 1 << 20
SHOWN_NUMBERS = 64
"""Largest number of whole numbers (sizes, axes, positions) that count as an attribute and not as a weight."""
TEXT_LENGTH = 200

TYPES = {
    "float": "f32", "double": "f64", "half": "f16", "bfloat16": "bf16", "int8": "int8", "i8": "int8", "int4": "int4",
    "i4": "int4", "boolean": "bool", "dynamic": "", "undefined": "", "float8e4m3fn": "f8e4m3",
    "float8_e4m3fn": "f8e4m3",
}  # fmt: skip


def number_type(name: str) -> str:
    """Return Fettle's short name of a number type that ONNX, OpenVINO, numpy or torch names."""
    plain = name.lower().removeprefix("torch.")
    short = re.sub(r"^(u|)int(?=\d)", lambda found: found[1] or "i", plain)
    return TYPES.get(plain, re.sub(r"^float(?=\d)", "f", short))


def bits_of(dtype: str) -> int:
    """Return the bits of a number of a type that `number_type` names; 0 if unknown."""
    found = re.match(r"\D*(\d+)", dtype)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Weight:
    """One constant tensor.

    Attributes:
        size_bytes: Bytes as stored.
        digest: Digest of its bytes.
        sums: Digest of its numbers in any order.
        text: Its numbers, for a few whole ones.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    digest: str
    sums: str
    text: str = ""


def digests(chunks: Iterable[Any], item_bytes: int) -> tuple[str, str]:
    """Return the digest of bytes and that of their numbers in any order; a chunk holds whole numbers."""
    exact, total, squares = hashlib.blake2b(digest_size=16), 0, 0
    words = {2: np.uint16, 4: np.uint32, 8: np.uint64}.get(item_bytes, np.uint8)
    for chunk in chunks:
        exact.update(chunk)
        numbers = np.frombuffer(chunk, np.uint8)
        numbers = numbers[: len(numbers) // item_bytes * item_bytes] if item_bytes in (2, 4, 8) else numbers
        wide = numbers.view(words).astype(np.uint64)
        total += int(wide.sum(dtype=np.uint64))
        squares += int((wide * wide).sum(dtype=np.uint64))
    return exact.hexdigest(), f"{item_bytes}:{total % 2**64:x}:{squares % 2**64:x}"


def parts_of(data: Any) -> Iterable[Any]:
    """Yield a buffer in parts of bounded size."""
    view = memoryview(data).cast("B")
    for start in range(0, len(view), CHUNK_BYTES):
        yield view[start : start + CHUNK_BYTES]


def weight_of_array(name: str, dtype: str, shape: tuple[int, ...], array: Any) -> Weight:
    """Return the weight of a numpy array that holds the stored bytes."""
    flat = np.ascontiguousarray(array).reshape(-1)
    few = flat.size <= SHOWN_NUMBERS and dtype in ("i64", "i32", "bool", "u64", "u32")
    text = str(flat.tolist()) if few else ""
    exact, sums = digests(parts_of(flat.view(np.uint8)), max(1, bits_of(dtype) // 8))
    return Weight(name, dtype, shape, int(flat.nbytes), exact, sums, text)


def shortened(value: Any) -> str:
    """Return an attribute's value as a short text."""
    return str(value)[:TEXT_LENGTH]
