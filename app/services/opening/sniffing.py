"""Is what was dropped a model, data, or a log? By names and first bytes; what it really is, a worker finds out."""

from itertools import islice
from pathlib import Path
from typing import Literal

LOG_HEAD, LOG_FILE = b'{"log": "fettle-log"', "requests.jsonl"
"""How the log of a bundle begins, and what its newest file is called."""

Kind = Literal["model", "data", "both"]

MODEL_SUFFIXES = {".onnx", ".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".torchscript", ".gguf", ".zip"}
DATA_SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".wav", ".csv", ".tsv", ".npz", ".npy", ".txt",
}  # fmt: skip
OF_BUNDLE = ("manifest.json", "pipeline.json")
MAX_LOOKED_AT, MAX_FOLDERS = 2000, 50
"""The window does not answer meanwhile."""


def is_log(path: Path) -> bool:
    """Whether it is the log of a bundle, a folder or a file: what its first bytes say. A pipe is not even opened: that
    would wait for its writer, and the window with it.
    """
    path = path / LOG_FILE if path.is_dir() else path
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(LOG_HEAD)) == LOG_HEAD
    except OSError:
        return False


def kind_of(path: Path) -> Kind:
    """Return the kind of a file or folder; a model where its names do not say it."""
    return seen_kind(path) or "model"


def seen_kind(path: Path) -> Kind | None:
    """Return the kind by the name of a file, or by the names in a folder and one level below.

    None where these do not say it. A ZIP file may hold either.
    """
    if not path.is_dir():
        suffix = path.suffix.lower()
        if suffix in DATA_SUFFIXES:
            return "data"
        return "model" if suffix in MODEL_SUFFIXES - {".zip"} else None
    if all((path / name).is_file() for name in OF_BUNDLE):  # golden examples lie in it, too
        return "model"
    try:
        names = list(islice(path.glob("*"), MAX_LOOKED_AT))
        folders = islice((entry for entry in names if entry.is_dir()), MAX_FOLDERS)
        below = [entry for folder in folders for entry in islice(folder.glob("*"), 20)]
    except OSError:
        return None
    suffixes = {entry.suffix.lower() for entry in (*names, *below) if not entry.is_dir()}
    has_model = bool(suffixes & (MODEL_SUFFIXES - {".zip"})) or (path / "config.json").is_file()
    has_data = bool(suffixes & (DATA_SUFFIXES - {".txt"}))
    if has_model and has_data:
        return "both"
    return "model" if has_model else "data" if has_data else None
