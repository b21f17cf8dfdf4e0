"""ONNX models whose weights lie in another file: outside, behind links, missing, too short. Each has its own folder."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from hostile_corpus.base import OPEN, REFUSE, Corpus, Expected
from hostile_corpus.onnx_parts import FLOAT, keep, times
from onnx import TensorProto

OUTSIDE = "CVE-2022-25882/CVE-2024-27318"
Prepare = Callable[[Path], object]


def write(corpus: Corpus) -> None:
    secret = corpus.place("ext_SECRET_outside/secret.bin")
    secret.write_bytes(b"S" * 64)
    _outside(corpus, secret)
    _links(corpus, secret)
    _numbers(corpus)
    _devices(corpus)


def _external(
    corpus: Corpus,
    folder: str,
    location: str,
    kind: str,
    expected: Expected = REFUSE,
    prepare: Prepare | None = None,
    *,
    offset: int | None = None,
    length: int | None = None,
    extra: Sequence[tuple[str, str]] = (),
    ref: str = OUTSIDE,
    note: str = "",
) -> None:
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 4], data_location=TensorProto.EXTERNAL)
    facts = [("location", location), ("offset", offset), ("length", length), *extra]
    for key, value in facts:
        if value is not None:
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
    name, attack = f"{folder}/model.onnx", expected == REFUSE
    keep(corpus, name, times(tensor), kind, expected, "onnx-external", ref=ref, note=note, attack=attack)
    if prepare is not None:
        prepare(corpus.place(name).parent)


def _file(data: bytes = b"\0" * 64) -> Prepare:
    return lambda folder: (folder / "w.bin").write_bytes(data)


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _outside(corpus: Corpus, secret: Path) -> None:
    _external(corpus, "ext_ok", "w.bin", "external data, correct (control)", OPEN, _file(), ref="")
    _external(corpus, "ext_absolute", str(secret), "external data absolute path")
    _external(corpus, "ext_relative_dotdot", "../ext_SECRET_outside/secret.bin", "external data ../")
    hidden = "sub/../../ext_SECRET_outside/secret.bin"
    deep: Prepare = lambda folder: (folder / "sub").mkdir(exist_ok=True)  # noqa: E731
    _external(corpus, "ext_hidden_dotdot", hidden, "external data a/../../", REFUSE, deep, ref="CVE-2024-27318")
    unc, drive = "\\\\127.0.0.1\\share\\w.bin", "C:\\Windows\\win.ini"
    kind, ref = "UNC path (leaks NTLM hash on Windows)", "huggingface_hub#4540 class"
    _external(corpus, "ext_unc_path", unc, kind, ref=ref)
    _external(corpus, "ext_drive_path", drive, "Windows drive path")
    kind = "external data is the model itself"
    _external(corpus, "ext_self", "model.onnx", kind, OPEN, offset=0, length=64, note="or refuse")


def _links(corpus: Corpus, secret: Path) -> None:
    def link(folder: Path) -> None:
        _fresh(folder / "w.bin").symlink_to(secret)

    def hard(folder: Path) -> None:
        _fresh(folder / "w.bin").hardlink_to(secret)

    def linked_folder(folder: Path) -> None:
        _fresh(folder / "sub").symlink_to(secret.parent)

    ref = "CVE-2026-27489"
    _external(corpus, "ext_symlink", "w.bin", "external data is a symlink outside", REFUSE, link, ref=ref)
    kind = "external data through a symlinked folder"
    _external(corpus, "ext_symlink_dir", "sub/secret.bin", kind, REFUSE, linked_folder, ref=ref)
    kind = "external data is a hard link to an outside file"
    _external(corpus, "ext_hardlink", "w.bin", kind, REFUSE, hard, ref="CVE-2026-34446")


def _numbers(corpus: Corpus) -> None:
    note = "very common for a non-specialist: say which file is missing"
    _external(corpus, "ext_missing", "gone.bin", "external data file missing", ref="", note=note)
    short = _file(b"\0" * 8)
    _external(corpus, "ext_short", "w.bin", "external data shorter than shape", REFUSE, short, ref="")
    for name, kind, offset, length, ref in (
        ("offset_beyond", "offset beyond end", 2**40, 64, ""),
        ("offset_negative", "negative offset", -64, 64, ""),
        ("length_huge", "length 2^62", 0, 2**62, "CVE-2026-34445"),
    ):
        folder = f"ext_{name}"
        _external(corpus, folder, "w.bin", kind, REFUSE, _file(), offset=offset, length=length, ref=ref)
    extra = [("__class__", "x"), ("basepath", "/etc"), ("checksum", "0" * 40)]
    kind = "unknown external_data keys (attribute injection)"
    _external(corpus, "ext_attr_injection", "w.bin", kind, REFUSE, _file(), extra=extra, ref="CVE-2026-34445")


def _devices(corpus: Corpus) -> None:
    def pipe(folder: Path) -> None:
        os.mkfifo(_fresh(folder / "w.bin"))

    def endless(folder: Path) -> None:
        _fresh(folder / "w.bin").symlink_to("/dev/zero")

    _external(corpus, "ext_fifo", "w.bin", "external data is a FIFO (hang)", REFUSE, pipe)
    _external(corpus, "ext_dev_zero", "w.bin", "external data is a symlink to /dev/zero", REFUSE, endless)
    _external(corpus, "ext_dev_abs", "/dev/zero", "external data is /dev/zero")
    tag, ref = "*/_ORT_MEM_ADDR_/*", "onnxruntime in-memory external data tag"
    kind = "ORT in-memory address tag (reads process memory)"
    _external(corpus, "ext_proc_mem_tag", tag, kind, offset=4096, length=64, ref=ref)
