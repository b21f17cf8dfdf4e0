"""Names that a disk allows, and things on a disk that are no files."""

import os
from collections.abc import Callable
from pathlib import Path

from hostile_corpus.base import OPEN, REFUSE, Corpus
from hostile_corpus.onnx_parts import sound

NAMES = {
    "rtl": "model_\u202exnno.exe.onnx",
    "newline": "two\nlines.onnx",
    "long255": "n" * 250 + ".onnx",
    "dash": "--help.onnx",
    "shell": "a;touch $HOSTILE_CANARY_DIR`id`&.onnx",
    "quote": "q'\"%s{0}.onnx",
    "emoji": "\U0001f9ea modèle 模型.onnx",
    "html": "<img src=x onerror=1>.onnx",
    "notutf8": "raw\udcff\udcfe.onnx",
    "trailing_space": "model.onnx ",
    "nfd": "mode\u0301le.onnx",
    "double_ext": "model.onnx.exe",
}
NAME_NOTE = "valid model; name must never reach a shell, HTML or a log line unescaped"


def write(corpus: Corpus) -> None:
    for key, name in NAMES.items():
        folder = corpus.out / f"name_{key}"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(sound())
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        corpus.add(f"name_{key}/{shown}", f"file name: {key}", "name", OPEN, note=NAME_NOTE)
    _odd(corpus)


def _odd(corpus: Corpus) -> None:
    def add(name: str, make: Callable[[Path], object], kind: str, note: str = "") -> None:
        path = corpus.place(f"odd_{name}.onnx")
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        path.unlink(missing_ok=True)
        make(path)
        corpus.add(f"odd_{name}.onnx", kind, "odd-file", REFUSE, note=note)

    def sparse(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(3 << 30)

    def locked(path: Path) -> None:
        path.write_bytes(sound())
        path.chmod(0)

    add("fifo", os.mkfifo, "FIFO named .onnx (open() hangs)")
    add("directory", Path.mkdir, "folder named .onnx")
    add("symlink_loop", lambda path: path.symlink_to(path), "symlink to itself")
    add("symlink_devzero", lambda path: path.symlink_to("/dev/zero"), "symlink to /dev/zero")
    add("dangling", lambda path: path.symlink_to("/nonexistent/x"), "dangling symlink")
    add("sparse_3GiB", sparse, "3 GiB sparse file (over protobuf's 2 GiB)")
    add("noperm", locked, "no read permission", note="as root this opens")
