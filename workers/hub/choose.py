"""Choose which files of a repository to download, by their names: ONNX, then safetensors, then GGUF, then pickles.

Pickles are downloaded only with the user's consent.
"""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from workers.contracts.hub import Format, HubFile

SUFFIXES: dict[str, Format] = {
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    ".gguf": "gguf",
    ".h5": "tensorflow",
    ".keras": "tensorflow",
    ".tflite": "tflite",
    ".msgpack": "flax",
    ".mlmodel": "coreml",
    ".pt": "pickle",
    ".pth": "pickle",
    ".ckpt": "pickle",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "pickle",
}
WEIGHT_PICKLES = re.compile(r"(pytorch_model|adapter_model|model)[\w.-]*\.bin|[\w.-]*\.(pt|pth|ckpt)", re.ASCII)
COMPANIONS = re.compile(
    r"config\.json|generation_config\.json|preprocessor_config\.json|processor_config\.json|image_processor\.json"
    r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(txt|json)|merges\.txt"
    r"|[\w-]*(spiece|bpe|sentencepiece)[\w.-]*\.model|tokenizer\.model|sentence_bert_config\.json|modules\.json"
    r"|labels?\.(txt|json)|id2label\.json|model\.safetensors\.index\.json|pytorch_model\.bin\.index\.json"
    r"|README\.md|LICEN[CS]E(\.txt|\.md)?|COPYING|NOTICE(\.txt)?",
)
DEEP_COMPANIONS = re.compile(r"\d_[A-Za-z]+/config\.json")
"""Companions in folders: pooling and similar parts of sentence-transformers."""
LARGEST_COMPANION_BYTES = 64 << 20
PROGRAMS = frozenset(
    {".py", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".cmd", ".ps1", ".jar", ".js", ".h5", ".keras"}
)
OTHER_PRECISION = re.compile(
    r"(_|\.|-)(fp16|f16|bf16|int8|uint8|q4|q4f16|q8|bnb4|quantized|quant|quint8|qint8|opt|optimized|O[1-4])\b", re.I
)


def format_of(name: str) -> Format | None:
    """Return the format of one file; None for files without weights."""
    path = PurePosixPath(name)
    if path.name == "saved_model.pb":
        return "tensorflow"
    if path.name.startswith("openvino_model") and path.suffix == ".xml":
        return "openvino"
    if path.suffix == ".bin":
        return "pickle" if WEIGHT_PICKLES.fullmatch(path.name) else None
    return SUFFIXES.get(path.suffix.lower())


def formats_of(names: Iterable[str]) -> tuple[Format, ...]:
    """Return all formats of these files, the safe ones first."""
    order: list[Format] = ["onnx", "safetensors", "gguf"]
    found = {kind for name in names if (kind := format_of(name)) is not None}
    return tuple(sorted(found, key=lambda kind: (order.index(kind) if kind in order else len(order), kind)))


def may_hold_program(name: str) -> bool:
    """Return whether reading the file as usual could run a program."""
    return format_of(name) == "pickle" or PurePosixPath(name).suffix.lower() in PROGRAMS


ONNX_FIRST = ("onnx/model.onnx", "model.onnx")
PARTS = (
    ("encoder_model.onnx", "decoder_model_merged.onnx"),
    ("encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"),
    ("encoder_model.onnx", "decoder_model.onnx"),
)
"""Sets of files of encoder-decoder models, those with a cache first."""
GGUF_KINDS = ("Q8_0", "Q6_K", "BF16", "F16", "Q5_K", "Q4_K", "Q4_1", "Q4_0", "F32")
"""GGUF roundings in order of preference; unknown ones come last.

The first one is nearly exact and half as large as 16 bits; close ones follow.
"""

GGUF_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf", re.I)
"""Names of parts of a split model, which are not opened."""

DOCUMENTS = frozenset({".md", ".txt", ".json", ".py", ".png", ".jpg", ".jpeg", ".gif", ".yaml", ".yml", ".html"})


@dataclass(frozen=True)
class Choice:
    """The chosen files of a repository.

    `main` is the file to open; None means the folder. `needs_consent` means that only pickles hold the weights.
    """

    wanted: tuple[HubFile, ...] = ()
    main: str | None = None
    needs_consent: bool = False
    safe: bool = True


def choose(files: Sequence[HubFile], patterns: Sequence[str] = (), allow_pickle: bool = False) -> Choice:
    """Return the files of one repository to download."""
    if patterns:
        return _named(files, patterns)
    for weights in (_onnx(files), _safetensors(files)):
        if weights:
            return _with_companions(files, weights, safe=True)
    rounded = _gguf(files)
    if rounded is not None:
        return replace(_with_companions(files, [rounded], safe=True), main=rounded.name)
    pickles = _pickles(files)
    if pickles and not allow_pickle:
        return Choice(needs_consent=True, safe=False)
    return _with_companions(files, pickles, safe=False) if pickles else Choice()


def _named(files: Sequence[HubFile], patterns: Sequence[str]) -> Choice:
    """Return the files that the user named; an ONNX file's external data may have any name and are no pickles."""
    chosen = tuple(file for file in files if any(fnmatch.fnmatchcase(file.name, pattern) for pattern in patterns))
    beside = {file.name for file in chosen if format_of(file.name) == "onnx" for file in _beside(chosen, file.name)}
    weights = [file for file in chosen if format_of(file.name) is not None and file.name not in beside]
    unsafe = any(may_hold_program(file.name) for file in chosen if file.name not in beside)
    return Choice(chosen, _main(chosen, weights), safe=not unsafe)


def _with_companions(files: Sequence[HubFile], weights: Sequence[HubFile], safe: bool) -> Choice:
    names = {file.name for file in weights}
    folder = PurePosixPath(weights[0].name).parent.as_posix()
    near = "" if folder in (".", "onnx") else f"{folder}/"
    more = [
        file
        for file in files
        if file.name not in names
        and file.size_bytes <= LARGEST_COMPANION_BYTES
        and (COMPANIONS.fullmatch(file.name) or DEEP_COMPANIONS.fullmatch(file.name) or _is_near(file.name, near))
    ]
    chosen = tuple(sorted((*weights, *more), key=lambda file: file.name))
    return Choice(chosen, _main(chosen, weights), safe=safe)


def _is_near(name: str, folder: str) -> bool:
    """Return whether a file is a companion in the weights' own folder, unless that is the top."""
    return bool(folder) and name.startswith(folder) and COMPANIONS.fullmatch(name[len(folder) :]) is not None


def _main(chosen: Sequence[HubFile], weights: Sequence[HubFile]) -> str | None:
    """Return the file to open; None where opening the folder finds it by itself."""
    if not weights:
        return None
    names = {file.name for file in chosen}
    models = [file.name for file in weights if format_of(file.name) is not None]
    top = [name for name in models if "/" not in name]
    if "config.json" in names and any(format_of(name) == "safetensors" or name == "pytorch_model.bin" for name in top):
        return None
    if len(top) == 1 or (not top and "onnx/model.onnx" in models):
        return None
    return models[0] if models else None


def _onnx(files: Sequence[HubFile]) -> list[HubFile]:
    """Return one full-precision graph with its external data, or an encoder with its decoder."""
    graphs = {file.name: file for file in files if format_of(file.name) == "onnx"}
    if not graphs:
        return []
    for name in ONNX_FIRST:
        if name in graphs:
            return [graphs[name], *_beside(files, name)]
    for folder in ("onnx/", ""):
        for parts in PARTS:
            names = [folder + name for name in parts]
            if all(name in graphs for name in names):
                return [file for name in names for file in (graphs[name], *_beside(files, name))]
    plain = [name for name in graphs if not OTHER_PRECISION.search(name)] or list(graphs)
    best = min(plain, key=lambda name: (name.count("/"), not name.startswith("onnx/"), -graphs[name].size_bytes, name))
    return [graphs[best], *_beside(files, best)]


def _beside(files: Sequence[HubFile], graph: str) -> list[HubFile]:
    """Return external data: files beside the graph with its name as a prefix, else those of no other graph."""
    path = PurePosixPath(graph)
    near = [
        file
        for file in files
        if PurePosixPath(file.name).parent == path.parent
        and format_of(file.name) != "onnx"
        and PurePosixPath(file.name).suffix.lower() not in DOCUMENTS
    ]
    own = [file for file in near if PurePosixPath(file.name).name.startswith((f"{path.name}_", f"{path.name}."))]
    if own or path.parent.as_posix() == ".":
        return own
    others = [PurePosixPath(file.name).stem for file in files if format_of(file.name) == "onnx" and file.name != graph]
    return [] if others else [file for file in near if format_of(file.name) is None]


def _safetensors(files: Sequence[HubFile]) -> list[HubFile]:
    """Return all full-precision parts at the top, else those in folders."""
    found = [file for file in files if format_of(file.name) == "safetensors"]
    plain = [file for file in found if not OTHER_PRECISION.search(file.name)] or found
    top, named = _at_top(plain, "model")
    return named or top or plain


def _gguf(files: Sequence[HubFile]) -> HubFile | None:
    """Return the complete language model with the most preferred rounding."""
    found = [file for file in files if format_of(file.name) == "gguf" and GGUF_PART.search(file.name) is None]
    return min(found, key=lambda file: (_gguf_rank(file.name), file.name.count("/"), file.name), default=None)


def _gguf_rank(name: str) -> int:
    stem = PurePosixPath(name).stem.upper()
    ranks = [rank for rank, kind in enumerate(GGUF_KINDS) if re.search(rf"(?<![A-Z0-9]){kind}(?![0-9])", stem)]
    return min(ranks, default=len(GGUF_KINDS))


def _pickles(files: Sequence[HubFile]) -> list[HubFile]:
    found = [file for file in files if WEIGHT_PICKLES.fullmatch(PurePosixPath(file.name).name)]
    top, named = _at_top(found, "pytorch_model")
    return named or top[:1] or found[:1]


def _at_top(files: Sequence[HubFile], start: str) -> tuple[list[HubFile], list[HubFile]]:
    """Return the files in no folder, and those of them whose names begin with `start`."""
    top = [file for file in files if "/" not in file.name]
    return top, [file for file in top if file.name.startswith(start)]
