"""Detect the format of a file or folder by its content, never by its name."""

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from workers.contracts.measured.companions import folder_of_weights
from workers.contracts.translation import _, mark
from workers.model_io.facts import info
from workers.model_io.formats import Source
from workers.model_io.readers import magic
from workers.model_io.readers.neighbors import is_plain, read_dict
from workers.model_io.readers.torch.zip_check import read_directory
from workers.model_io.words import damaged, no_permission, not_a_model, refuse, several_models, shown

MAX_BYTES = 64 * 2**30
MAX_DEPTH = 10


def sniff(path: Path, to_prove: bool = False) -> Source:
    """Detect the format of `path`; `to_prove` also accepts models that can be evaluated but not optimized.

    Raises:
        InputRefused: with the reason, for everything that is no model.
    """
    mode = _mode(path)
    if to_prove and (found := _for_one_runtime(path, mode)) is not None:
        return found
    if stat.S_ISDIR(mode):
        return _sniff_folder(path)
    if not stat.S_ISREG(mode):
        hint = _("Open the file that the link points to.") if stat.S_ISLNK(mode) else ""
        raise not_a_model(path, _("a link") if stat.S_ISLNK(mode) else _("a device or a pipe"), hint)
    size = path.stat().st_size
    if size == 0:
        raise refuse(
            "empty", "The file is empty", _("{0} has 0 bytes.").format(path.name), "Download or copy the file again."
        )
    if size > MAX_BYTES:
        raise refuse(
            "too_large",
            "The file is too large",
            _("{0} has {1} bytes.").format(path.name, size),
            "64 GiB is the limit.",
        )
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except PermissionError as error:
        raise no_permission(path) from error
    return _with_its_folder(Source(_kind_of_file(path, head, size), path))


def _with_its_folder(found: Source) -> Source:
    """Open weights in a transformers folder with the folder, whose config.json names their architecture."""
    folder = folder_of_weights(found.path) if found.kind in ("safetensors", "checkpoint") else None
    if folder is None or "model_type" not in read_dict(folder / "config.json"):
        return found
    return Source("transformers", folder)


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except PermissionError as error:
        raise no_permission(path) from error
    except (OSError, ValueError) as error:
        raise refuse(
            "not_found",
            "There is no such file",
            _("{0} cannot be found.").format(path),
            "Check the spelling, or choose the file again.",
        ) from error


def _kind_of_file(path: Path, head: bytes, size: int) -> str:
    """Return the format's id.

    Raises:
        InputRefused: with the kind of content, for everything else.
    """
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head.startswith(magic.GGUF):
        return "gguf"
    if magic.is_safetensors(head, size):
        return "safetensors"
    if what := magic.known_content(head):
        raise not_a_model(path, *what)
    if magic.is_pickle(head):
        return "checkpoint"
    walked = magic.walk_onnx(path, size)
    if walked == "whole":
        return "onnx"
    if walked == "cut":
        raise damaged(path, _("it looks like an ONNX model that was cut off or changed."))
    if magic.is_text(head):
        raise not_a_model(path, _("a text file"), kind="data")
    raise not_a_model(path, _("no file of a known kind"))


def _kind_of_zip(path: Path) -> str:
    members = read_directory(path)
    names = [member.name for member in members]
    inner = {name.split("/", 1)[-1] for name in names}
    if any(name.split("/")[-1] == "data.pkl" for name in names):
        return "torchscript" if any(n.startswith("code/") for n in inner) else "checkpoint"
    if "models/model.json" in inner or any(name.endswith("serialized_exported_program.json") for name in names):
        raise refuse(
            "exported_program",
            "A torch.export program cannot be opened",
            _("{0} is a program of torch.export (.pt2).").format(path.name),
            "Save the model as ONNX (torch.onnx.export) or its weights as safetensors instead.",
        )
    for test, what in _ZIP_CONTENT:
        if test(names):
            raise not_a_model(path, *what)
    return "zip"


_ZIP_CONTENT: tuple[tuple[Callable[[list[str]], bool], magic.Content], ...] = (
    (lambda n: bool(n) and all(name.endswith(".npy") for name in n), (mark("an NPZ file of arrays"), "", "data")),
    (lambda n: "word/document.xml" in n or "xl/workbook.xml" in n, (mark("an office document"), "", "other")),
    (
        lambda n: "config.json" in n and ("model.weights.h5" in n or "metadata.json" in n),
        (mark("a Keras model"), mark("Convert it to ONNX with tf2onnx, and open the .onnx file."), "model"),
    ),
    (lambda n: "META-INF/MANIFEST.MF" in n, (mark("a Java archive"), "", "other")),
)
PARTS = ("encoder_model", "decoder_model", "decoder_model_merged", "decoder_with_past_model")


def _holds_parts(folder: Path) -> bool:
    """Return whether parts of an encoder-decoder model lie here as plain files; their reader reports missing ones."""
    return not folder.is_symlink() and any(is_plain(folder / f"{part}.onnx") for part in PARTS)


def _sniff_folder(folder: Path, depth: int = 0) -> Source:
    """Detect a transformers folder, or a folder with exactly one model file, possibly some folders below."""
    try:
        files = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    except PermissionError as error:
        raise no_permission(folder) from error
    names = {entry.name for entry in files}
    if "config.json" in names and any(_holds_parts(place) for place in (folder, folder / "onnx")):
        return Source("encoder_decoder", folder)
    weights = any(name.endswith(".safetensors") or name == "pytorch_model.bin" for name in names)
    if "config.json" in names and weights:
        return Source("transformers", folder)
    models = [entry for entry in files if entry.suffix.lower() in magic.MODEL_SUFFIXES and entry.is_file()]
    if any(entry.suffix.lower() == ".onnx" for entry in models):
        # beside a graph, a .bin is usually its external data
        models = [entry for entry in models if entry.suffix.lower() != ".bin"]
    if not models and (folder / "onnx").is_dir() and not (folder / "onnx").is_symlink():
        models = sorted((folder / "onnx").glob("model.onnx"))
    if not models:
        inside = [entry for entry in files if entry.is_dir() and not entry.is_symlink()]
        if len(files) == 1 and inside and depth < MAX_DEPTH:
            return _sniff_folder(inside[0], depth + 1)
        raise not_a_model(folder, *((_("a folder of data"), "", "data") if files else (_("an empty folder"),)))
    plain = next((entry for entry in models if entry.name == "model.onnx"), None)
    variants = all(entry.name.startswith("model_") or entry == plain for entry in models)
    if plain is not None and variants:
        others = shown(", ".join(entry.name for entry in models if entry is not plain), 200)
        ignored = info(_("Fettle ignores other forms of the model beside it: {0}.").format(others))
        return replace(sniff(plain), findings=(ignored,) if others else ())
    if len(models) > 1:
        raise several_models(folder, models)
    return sniff(models[0])


IR_MARK = b"<net "
BUNDLE_FILES = ("manifest.json", "pipeline.json")
USUAL_IR = "openvino_model.xml"
"""optimum-intel's name of the model, beside its tokenizers' own IRs."""


def _for_one_runtime(path: Path, mode: int) -> Source | None:
    """Detect a bundle that Fettle exported, or an OpenVINO IR if no other form of the model lies beside it."""
    if stat.S_ISREG(mode):
        beside = path.with_suffix(".xml")
        if is_ir(path):
            return Source("openvino_ir", path)
        is_weights = path.suffix.lower() == ".bin" and is_plain(beside) and is_ir(beside)
        return Source("openvino_ir", beside) if is_weights else None
    if not stat.S_ISDIR(mode):
        return None
    if all(is_plain(path / name) for name in BUNDLE_FILES) and (path / "model").is_dir():
        return Source("bundle", path)
    try:
        files = sorted(entry for entry in path.iterdir() if is_plain(entry))
        inside = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return None
    if not files and len(inside) == 1:  # a folder that was packed as a whole
        return sniff(inside[0], to_prove=True)
    found = [entry for entry in files if entry.suffix.lower() == ".xml" and is_ir(entry)]
    if not found or any(entry.suffix.lower() in (".onnx", ".safetensors") for entry in files):
        return None
    found = [entry for entry in found if entry.name == USUAL_IR] or found
    if len(found) > 1:
        raise several_models(path, found)
    return Source("openvino_ir", found[0])


def is_ir(path: Path) -> bool:
    """Return whether a file is the graph of an OpenVINO IR."""
    try:
        with path.open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False
    return head.startswith(b"<?xml") and IR_MARK in head
