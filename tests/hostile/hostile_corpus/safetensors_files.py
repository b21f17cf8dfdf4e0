"""safetensors: headers that lie, tensors that overlap or leave holes, and sound ones that are odd."""

import json
import struct
from typing import Any

import numpy as np
from hostile_corpus.base import OPEN, REFUSE, Corpus, Expected

ONE = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
NUMBERS = b"\0" * 16


def file_of(header: Any, data: bytes = b"\0" * 64, length: int | None = None) -> bytes:
    """A file by hand; `length` is what it claims of its header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def write(corpus: Corpus) -> None:
    _headers(corpus)
    _tensors(corpus)
    _sound(corpus)


def _put(corpus: Corpus, name: str, data: bytes, kind: str, expected: Expected = REFUSE, **more: str) -> None:
    corpus.put(f"st_{name}.safetensors", data, kind, "safetensors", expected, **more)


def _headers(corpus: Corpus) -> None:
    one = {"a": ONE}
    text = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}'
    cases = {
        "header_2e63": (file_of(one, length=2**63), "header length 2^63"),
        "header_2e64": (file_of(one, length=2**64 - 1), "header length 2^64-1"),
        "header_gt_file": (file_of(one, length=10**8 - 1), "header longer than file"),
        "header_200MB": (
            struct.pack("<Q", 200 * 2**20) + b"{}" + b" " * 100,
            "header claims 200 MiB (over the 100 MB limit)",
        ),
        "empty": (b"", "empty"),
        "7bytes": (b"\1\0\0\0\0\0\0", "7 bytes"),
        "random": (np.random.RandomState(2).bytes(2048), "random"),
        "dup_keys": (file_of(text + b"," + text[1:] + b"}", NUMBERS), "duplicate keys"),
        "not_utf8": (file_of(b'{"\xff\xfe":1}', b""), "header not UTF-8"),
        "deep_json": (file_of(b"[" * 100000 + b"]" * 100000, b""), "JSON nested 100 000 deep"),
    }
    for name, (data, kind) in cases.items():
        _put(corpus, name, data, kind)


def _tensors(corpus: Corpus) -> None:
    overlap = {"a": ONE, "b": tensor("F32", [4], 8, 24)}
    hole = {"a": ONE, "b": tensor("F32", [4], 32, 48)}
    big = tensor("U8", [2**63], 0, 2**63)
    cases = {
        "overlap": (file_of(overlap, b"\0" * 24), "overlapping offsets"),
        "hole": (file_of(hole, b"\0" * 48), "hole between tensors (polyglot room)"),
        "trailing": (file_of({"a": ONE}, NUMBERS + b"PK\x03\x04" * 8), "trailing bytes after last tensor (polyglot)"),
        "reversed_offsets": (file_of({"a": tensor("F32", [4], 16, 0)}), "end before begin"),
        "shape_mismatch": (file_of({"a": tensor("F32", [400], 0, 16)}, NUMBERS), "shape larger than bytes"),
        "shape_overflow": (file_of({"a": tensor("F32", [2**32] * 2, 0, 16)}, NUMBERS), "shape product overflow"),
        "neg_shape": (file_of({"a": tensor("F32", [-4], 0, 16)}, NUMBERS), "negative shape"),
        "bad_dtype": (file_of({"a": tensor("EVIL", [4], 0, 16)}, NUMBERS), "unknown dtype"),
        "offsets_2e63": (file_of({"a": big}, b""), "offset 2^63"),
        "truncated_data": (file_of({"a": ONE}, b"\0" * 3), "data truncated"),
    }
    for name, (data, kind) in cases.items():
        _put(corpus, name, data, kind)


def _sound(corpus: Corpus) -> None:
    def put(name: str, header: Any, data: bytes, kind: str, note: str = "") -> None:
        _put(corpus, name, file_of(header, data), kind, OPEN, note=note)

    put("ok", {"a": ONE}, NUMBERS, "control")
    narrow = {"a": tensor("F8_E4M3", [4], 0, 4), "b": tensor("BF16", [2], 4, 8)}
    put("fp8_bf16_ok", narrow, b"\0" * 8, "fp8/bf16 (control)")
    put("zero_size_ok", {"a": tensor("F32", [0, 4], 0, 0)}, b"", "zero-size tensor")
    title = "<img src=http://127.0.0.1:9/x>\u202e"
    named = {"__metadata__": {"format": "pt", "title": title}, "a": ONE}
    put("html_metadata", named, NUMBERS, "HTML in metadata", "plain text only")
    path = {"../../../escape/x": ONE}
    put("path_key", path, NUMBERS, "tensor named like a path", "never use tensor names as file names")
    many = {f"t{i}": tensor("U8", [1], i, i + 1) for i in range(100000)}
    put("100k_tensors", many, b"\0" * 100000, "100 000 one-byte tensors", "GUI stays responsive")
