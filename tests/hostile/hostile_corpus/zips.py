"""ZIP files: names that lead outside, members that are no files, bombs."""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

from hostile_corpus.base import OPEN, REFUSE, Corpus, Expected
from hostile_corpus.onnx_parts import sound
from hostile_corpus.pickles import evil
from hostile_corpus.torch_zips import Change, flagged, wrong_crc

LINK, DEVICE, SETUID = 0o120777, 0o020666, 0o104755
Item = tuple[str, bytes | str] | tuple[str, bytes | str, int]


def write(corpus: Corpus) -> None:
    _names(corpus)
    _members(corpus)
    _damaged(corpus)
    _inside(corpus)
    _bombs(corpus)


def zipped(items: Sequence[Item], change: Change | None = None) -> bytes:
    """An archive of (name, content[, mode]); names go in as they are."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, *mode in items:
            member = zipfile.ZipInfo(name)
            member.filename = name
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (mode[0] if mode else 0o100644) << 16
            member.create_system = 3
            archive.writestr(member, content)
    whole = bytearray(data.getvalue())
    return bytes(change(whole) if change else whole)


def _put(
    corpus: Corpus,
    name: str,
    items: Sequence[Item],
    kind: str,
    expected: Expected = REFUSE,
    *,
    change: Change | None = None,
    note: str = "",
    attack: bool | None = None,
) -> None:
    data = zipped(items, change)
    corpus.put(f"zip_{name}.zip", data, kind, "zip", expected, note=note, attack=attack)


def _names(corpus: Corpus) -> None:
    good, empty = sound(), b""
    model = ("model.onnx", good)
    _put(corpus, "ok", [model, ("README.md", "# hi")], "control", OPEN)
    for name, member, kind in (
        ("slip_dotdot", "../../../../escape/hostile_slip", "zip slip ../"),
        ("slip_absolute", str(corpus.canary / "zip_slip_absolute"), "absolute member path"),
        ("slip_backslash", "..\\..\\evil.dll", "backslash traversal"),
        ("slip_drive", "C:/Windows/evil.dll", "drive letter member"),
    ):
        _put(corpus, name, [model, (member, "x")], kind, attack=True)
    nul: Change = lambda data: data.replace(b"mod\x01el", b"mod\x00el")  # noqa: E731
    _put(corpus, "nul_in_name", [("mod\x01el.onnx", good)], "control char in name", change=nul)
    name, note = "model\u202exnno.exe", "sanitise for display; or refuse"
    _put(corpus, "rtl_name", [(name, good)], "RTL override in member name", OPEN, note=note)
    _put(corpus, "newline_name", [("a\nb.onnx", good)], "newline in member name", OPEN, note="or refuse")
    _put(corpus, "long_name", [("x" * 5000 + ".onnx", good)], "5 000-char member name")
    _put(corpus, "deep_path", [("d/" * 2000 + "model.onnx", good)], "2 000-level deep path")
    _put(corpus, "case_collision", [model, ("MODEL.ONNX", b"x")], "names differ only in case")
    reserved: list[Item] = [("CON.onnx", good), ("aux", empty)]
    _put(corpus, "reserved_names", reserved, "Windows reserved names", OPEN, note="or refuse")
    _put(corpus, "dup_names", [model, ("model.onnx", b"other")], "duplicate member names")


def _members(corpus: Corpus) -> None:
    model = ("model.onnx", sound())
    linked: list[Item] = [("model.onnx", "/etc/passwd", LINK)]
    _put(corpus, "symlink_member", linked, "symlink member", attack=True)
    through: list[Item] = [("out", str(corpus.canary), LINK), ("out/zip_symlink_dir_then_write", "x")]
    kind = "symlink folder, then write through it"
    _put(corpus, "symlink_dir_then_write", through, kind, attack=True)
    _put(corpus, "device_member", [model, ("dev", "", DEVICE)], "character-device member")
    program: list[Item] = [model, ("run.sh", "#!/bin/sh\n", SETUID)]
    _put(corpus, "setuid_member", program, "setuid executable member", OPEN, note="drop mode bits")


def _damaged(corpus: Corpus) -> None:
    model = ("model.onnx", sound())
    _put(corpus, "encrypted_flag", [model], "password-protected", change=flagged(1))
    _put(corpus, "bad_crc", [model], "wrong CRC", change=wrong_crc)
    _put(corpus, "no_eocd", [model], "end record cut off", change=lambda data: data[:-30])
    _put(corpus, "empty", [], "no members")


def _inside(corpus: Corpus) -> None:
    good = sound()
    _put(corpus, "no_model", [("notes.txt", "hi")], "no model inside")
    two: list[Item] = [("model.onnx", good), ("b.onnx", good)]
    _put(corpus, "two_models", two, "two models inside", OPEN, note="ask which")
    _put(corpus, "100k_entries", [(f"f{i}", b"") for i in range(100000)], "100 000 members")
    weights = evil(corpus, "zip_folder_with_pickle")
    folder: list[Item] = [("repo/config.json", "{}"), ("repo/pytorch_model.bin", weights)]
    _put(corpus, "folder_with_pickle", folder, "HF folder with evil pickle", attack=True)
    inner = plain("m.pt", evil(corpus, "zip_nested"))
    _put(corpus, "nested_pickle_2deep", [("inner.zip", inner)], "zip in zip in zip", attack=True)


def plain(name: str, content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of one member."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        archive.writestr(name, content)
    return data.getvalue()


def zeros(size_bytes: int) -> tuple[bytes, int]:
    """Deflated zeros and their checksum, without ever holding them whole."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block, checksum, out = b"\0" * (1 << 20), 0, []
    for _ in range(size_bytes >> 20):
        out.append(packer.compress(block))
        checksum = zlib.crc32(block, checksum)
    return b"".join(out) + packer.flush(), checksum


Claim = tuple[str, bytes, int, int]


def by_hand(items: Sequence[Claim], *, overlap: bool = False) -> bytes:
    """An archive of (name, packed, checksum, claimed size) in which all members may share the first one's bytes."""
    out, central, first = bytearray(), b"", -1
    for name, packed, checksum, size in items:
        label, large = name.encode(), size >= 2**32
        extra = struct.pack("<HHQQ", 1, 16, size, len(packed)) if large else b""
        packed_size, full_size = (0xFFFFFFFF, 0xFFFFFFFF) if large else (len(packed), size)
        offset = first if overlap and first >= 0 else len(out)
        if not (overlap and first >= 0):
            sizes = (checksum, packed_size, full_size, len(label), len(extra))
            out += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 45, 0, 8, 0, 0, *sizes) + label + extra + packed
            first = offset
        sizes = (checksum, packed_size, full_size, len(label), len(extra), 0, 0, 0, 0o100644 << 16, offset)
        central += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 45, 45, 0, 8, 0, 0, *sizes) + label + extra
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(items), len(items), len(central), len(out), 0)
    return bytes(out) + central + end


def _bombs(corpus: Corpus) -> None:
    packed, checksum = zeros(64 << 20)

    def put(name: str, data: bytes, kind: str) -> None:
        corpus.put(f"zip_{name}.zip", data, kind, "zip", REFUSE)

    shared = [(f"f{i}.onnx", packed, checksum, 64 << 20) for i in range(160)]
    put("bomb_overlap_10GiB", by_hand(shared, overlap=True), "160 members share one 64 MiB blob = 10 GiB")
    large = by_hand([("model.onnx", packed, checksum, 10 << 30)])
    put("bomb_declared_10GiB_lie", large, "header declares 10 GiB, holds 64 MiB")
    small = by_hand([("model.onnx", packed, checksum, 100)])
    put("bomb_declared_small_lie", small, "header declares 100 bytes, inflates to 64 MiB")
    level = plain("0", b"\0" * (16 << 20), zipfile.ZIP_DEFLATED)
    for _ in range(4):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(8):
                archive.writestr(f"{i}.zip", level)
        level = data.getvalue()
    put("bomb_nested", level, "5-level nested bomb (64 GiB)")
