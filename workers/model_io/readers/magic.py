"""Identify untrusted files by their first bytes."""

import io
import pickletools
from pathlib import Path
from typing import Literal

from workers.contracts.translation import _, mark
from workers.model_io.words import Kind

MODEL_SUFFIXES = (".onnx", ".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".jit", ".gguf")

SAFETENSORS_HEADER_LIMIT = 100_000_000
GGUF = b"GGUF"


Content = tuple[str, str, Kind]
"""A recognized kind of content that does not open as a model here: what it is, a hint ("" for none), and its kind."""


def _data(what: str) -> Content:
    return what, "", "data"


def _other(what: str, hint: str = "") -> Content:
    return what, hint, "other"


_ONNX_HINT = mark("Save or convert it as ONNX, and open the .onnx file.")
_LFS = _other(
    mark("a pointer of Git LFS, which only names the place of the model"),
    mark("Run “git lfs pull” in its folder, or download the file itself."),
)
_UNPACK_HINT = mark("Unpack it first, then open the model inside.")
_MAGIC: tuple[tuple[int, bytes, Content], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", _data(mark("a picture (PNG)"))),
    (0, b"\xff\xd8\xff", _data(mark("a picture (JPEG)"))),
    (0, b"GIF8", _data(mark("a picture (GIF)"))),
    (0, b"BM", _data(mark("a picture (BMP)"))),
    (8, b"WEBP", _data(mark("a picture (WebP)"))),
    (0, b"II*\0", _data(mark("a picture (TIFF)"))),
    (0, b"MM\0*", _data(mark("a picture (TIFF)"))),
    (8, b"WAVE", _data(mark("a sound (WAV)"))),
    (0, b"ID3", _data(mark("a sound (MP3)"))),
    (0, b"OggS", _data(mark("a sound (Ogg)"))),
    (0, b"fLaC", _data(mark("a sound (FLAC)"))),
    (0, b"\x93NUMPY", _data(mark("an array (NPY)"))),
    (0, b"%PDF", _other(mark("a PDF document"))),
    (0, b"\x7fELF", _other(mark("a program"))),
    (0, b"MZ", _other(mark("a program"))),
    (0, b"\x89HDF\r\n", (mark("an HDF5 file, as Keras writes them"), _ONNX_HINT, "model")),
    (4, b"TFL3", (mark("a TensorFlow Lite model"), _ONNX_HINT, "model")),
    (0, b'{"learner":', (mark("an XGBoost model"), _ONNX_HINT, "model")),
    (10, b"learner{", (mark("an XGBoost model"), _ONNX_HINT, "model")),  # UBJSON
    (0, b"tree\nversion=", (mark("a LightGBM model"), _ONNX_HINT, "model")),
    (0, b"CBM1", (mark("a CatBoost model"), _ONNX_HINT, "model")),
    (4, b"ORTM", _other(mark("a model in ONNX Runtime's own ORT format"), mark("Open the .onnx file it was made of."))),
    (0, b"\x1f\x8b", _other(mark("a compressed file (gzip)"), _UNPACK_HINT)),
    (0, b"BZh", _other(mark("a compressed file (bzip2)"), _UNPACK_HINT)),
    (0, b"7z\xbc\xaf\x27\x1c", _other(mark("a 7z archive"), _UNPACK_HINT)),
    (0, b"Rar!", _other(mark("a RAR archive"), _UNPACK_HINT)),
    (0, b"\xfd7zXZ", _other(mark("a compressed file (xz)"), _UNPACK_HINT)),
    (257, b"ustar", _other(mark("a TAR archive"), _UNPACK_HINT)),
    (0, b"version https://git-lfs", _LFS),
)
_WEB = _other(
    mark("a web page (HTML), perhaps a log-in or an error page"),
    mark("Open the address in a browser, log in if asked, and download the file itself."),
)


def known_content(head: bytes) -> Content | None:
    """Return the kind of content that the first bytes show, if it is certainly no model that opens here."""
    for offset, magic, known in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return known
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<div", b"<!--")):
        return _WEB
    if start.startswith((b"<?xml", b"<svg", b"<!doctype")):
        return _other(_("an XML file (OpenVINO's .xml?)"), _("Open the ONNX model that it was made of."))
    if start.startswith((b"{", b"[{", b'["')) and is_text(head):
        return _other(_("a JSON file"), _("Open its folder, if that is a transformers model."))
    if head and not any(head):
        return _other(_("nothing but zero bytes"), _("Its download did not finish. Download it again."))
    return None


def is_text(head: bytes) -> bool:
    """Return whether the first bytes are plain text (any encoding without control characters)."""
    return bool(head) and not any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)


def is_safetensors(head: bytes, size: int) -> bool:
    """Return whether eight bytes of header length and a JSON object follow; opening checks the length."""
    if len(head) < 9:
        return False
    return head[8:9] == b"{" and (size < 10 or head[9:10] in b'"} \n\t') and not head.startswith((b"{", b"PK"))


def is_pickle(head: bytes) -> bool:
    """Return whether the bytes are a pickle: protocol 2 and later by its mark, 0 and 1 by plausible operations."""
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    if head[:1] not in (b"(", b"]", b"}", b"c", b"i", b"l", b"d"):
        return False
    seen = 0
    try:
        for opcode, _, _ in pickletools.genops(io.BytesIO(head)):
            seen += 1
            if opcode.name in ("GLOBAL", "INST", "REDUCE", "OBJ", "STOP", "BINPUT", "PUT") and seen > 2:
                return True
    except (ValueError, IndexError, OverflowError, UnicodeError):
        return False
    return False


def walk_onnx(path: Path, size: int) -> Literal["whole", "cut", "no"]:
    """Walk the top level of a protobuf file: only fields of ONNX's ModelProto (onnx.proto), and a graph.

    The result "cut" means that it begins like a model, but a part is longer than the file.
    """
    seen: set[int] = set()
    with path.open("rb") as file:
        while file.tell() < size:
            key = _varint(file)
            if key is None or key >> 3 not in _MODEL_FIELDS or key & 7 != _MODEL_FIELDS[key >> 3]:
                return "cut" if {1, 7} <= seen or {1, 8} <= seen else "no"
            field = key >> 3
            value = _varint(file)
            if value is None or (key & 7 == 2 and file.tell() + value > size):
                return "cut" if seen or field == 7 else "no"
            if key & 7 == 2:
                file.seek(value, 1)
            seen.add(field)
    return "whole" if 7 in seen or 1 in seen else "no"


# number of each field of ModelProto → its wire type (0: number, 2: bytes)
_MODEL_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}


def _varint(file: io.BufferedReader) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
    return None
