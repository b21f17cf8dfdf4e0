"""Guess from names and first bytes whether a dropped path is a model, data, or a log; a worker checks it later."""

from itertools import islice
from pathlib import Path
from typing import Literal

LOG_HEAD, LOG_FILE = b'{"log": "fettle-log"', "requests.jsonl"
"""First bytes of a bundle's log, and the name of its newest file."""

RESULT_SUFFIX, RESULT_MARK, RESULT_HEAD = ".fettle-result.json", b'"fettle-result/', 100
"""Name of a saved result, the beginning of its format, and the number of first bytes that hold it."""

Kind = Literal["model", "data", "both"]

MODEL_SUFFIXES = {".onnx", ".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".torchscript", ".gguf", ".zip"}
DATA_SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".wav", ".csv", ".tsv", ".npz", ".npy", ".txt",
}  # fmt: skip
OF_BUNDLE = ("manifest.json", "pipeline.json")
MAX_LOOKED_AT, MAX_FOLDERS = 2000, 50
"""Most entries and folders to read, because the window does not respond meanwhile."""


def is_log(path: Path) -> bool:
    """Return whether the path is a bundle's log (a folder or a file), by its first bytes.

    A pipe is not opened: that would block the window until something is written to it.
    """
    path = path / LOG_FILE if path.is_dir() else path
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(LOG_HEAD)) == LOG_HEAD
    except OSError:
        return False


def is_result(path: Path) -> bool:
    """Return whether the path is the saved result of a run, by its name or its first bytes; a pipe is not opened."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return path.name.endswith(RESULT_SUFFIX) or RESULT_MARK in file.read(RESULT_HEAD)
    except OSError:
        return False


def kind_of(path: Path) -> Kind:
    """Return the kind of a file or folder, "model" if its names do not show it."""
    return seen_kind(path) or "model"


def seen_kind(path: Path) -> Kind | None:
    """Return the kind by the name of a file, or by the names in a folder and one level below.

    Returns None if these do not show it. A ZIP file may hold either.
    """
    if not path.is_dir():
        suffix = path.suffix.lower()
        if suffix in DATA_SUFFIXES:
            return "data"
        return "model" if suffix in MODEL_SUFFIXES - {".zip"} else None
    if all((path / name).is_file() for name in OF_BUNDLE):  # a bundle also holds golden examples
        return "model"
    try:
        names = list(islice(path.glob("*"), MAX_LOOKED_AT))
        folders = islice((entry for entry in names if entry.is_dir()), MAX_FOLDERS)
        entries = [entry for folder in folders for entry in islice(folder.glob("*"), 20)]
    except OSError:
        return None
    suffixes = {entry.suffix.lower() for entry in (*names, *entries) if not entry.is_dir()}
    has_model = bool(suffixes & (MODEL_SUFFIXES - {".zip"})) or (path / "config.json").is_file()
    has_data = bool(suffixes & (DATA_SUFFIXES - {".txt"}))
    if has_model and has_data:
        return "both"
    return "model" if has_model else "data" if has_data else None
