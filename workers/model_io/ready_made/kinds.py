"""Detect models that can be evaluated but not optimized: an OpenVINO IR, a bundle that Fettle exported."""

import stat
from pathlib import Path

from workers.model_io.readers.sniff import Sniffed, sniff
from workers.model_io.words import refuse

IR_MARK = b"<net "
HEAD_BYTES = 4096
BUNDLE_FILES = ("manifest.json", "pipeline.json")
USUAL_IR = "openvino_model.xml"
"""optimum-intel's name of the model, beside its tokenizers' own IRs."""


def sniff_to_prove(path: Path) -> Sniffed:
    """Detect the format like `sniff`, including these kinds.

    Raises:
        InputRefused: the file is no model.
    """
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return sniff(path)
    if stat.S_ISREG(mode):
        found = _ir_file(path)
        return Sniffed("openvino_ir", found) if found is not None else sniff(path)
    if not stat.S_ISDIR(mode):
        return sniff(path)
    if all(_is_plain(path / name) for name in BUNDLE_FILES) and (path / "model").is_dir():
        return Sniffed("bundle", path)
    return _in_folder(path)


def _in_folder(path: Path) -> Sniffed:
    """Detect an IR if no other form of the model lies beside it."""
    try:
        files = sorted(entry for entry in path.iterdir() if _is_plain(entry))
        inside = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return sniff(path)
    if not files and len(inside) == 1:  # a folder that was packed as a whole
        return sniff_to_prove(inside[0])
    if any(entry.suffix.lower() in (".onnx", ".safetensors") for entry in files):
        return sniff(path)
    found = [entry for entry in files if entry.suffix.lower() == ".xml" and is_ir(entry)]
    usual = [entry for entry in found if entry.name == USUAL_IR]
    if not found:
        return sniff(path)
    if len(usual or found) > 1:
        raise refuse(
            "several_models",
            "There are several models in this folder",
            f"{path.name} holds {', '.join(entry.name for entry in found[:6])}.",
            "Choose the one file that you want to open.",
        )
    return Sniffed("openvino_ir", (usual or found)[0])


def _ir_file(path: Path) -> Path | None:
    """Return the .xml of an IR, given either of its two files."""
    if is_ir(path):
        return path
    beside = path.with_suffix(".xml")
    return beside if path.suffix.lower() == ".bin" and _is_plain(beside) and is_ir(beside) else None


def is_ir(path: Path) -> bool:
    """Return whether a file is the graph of an OpenVINO IR."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False
    return head.startswith(b"<?xml") and IR_MARK in head


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
