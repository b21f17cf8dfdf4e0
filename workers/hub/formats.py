"""Classify a repository's files by their names: formats, weights, companions, and possible programs."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from workers.contracts.hub import Format

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
    if path.name in ("saved_model.pb",):
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
    """Return whether reading the file in the usual way could run a program."""
    return format_of(name) == "pickle" or PurePosixPath(name).suffix.lower() in PROGRAMS
