"""Small files beside a model that say how it is fed, what its answers mean, and what its license allows."""

from pathlib import Path

LICENSE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")
BESIDE = (
    "config.json", "generation_config.json", "modules.json", "preprocessor_config.json", "tokenizer.json",
    "tokenizer_config.json", "chat_template.jinja", "sentence_bert_config.json", "1_Pooling/config.json",
    "model.safetensors.index.json", "vocab.json", "README.md", *LICENSE_FILES,
)  # fmt: skip
CARRIED = ("config.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json")
"""Of these, what the hub's own libraries need again: kept with the opened model, in the folder `CARRIED_FOLDER`."""

CARRIED_FOLDER = "source"
WEIGHT_SUFFIXES, WEIGHT_NAMES = (".safetensors",), ("pytorch_model.bin",)
"""Weights in a transformers folder: which of its files say nothing without the others."""


def folder_of_weights(path: Path) -> Path | None:
    """Return the folder around a file of weights that has a config.json beside it; None for any other path."""
    named = path.suffix in WEIGHT_SUFFIXES or path.name in WEIGHT_NAMES
    config = path.parent / "config.json"
    is_whole = named and path.is_file() and not path.is_symlink() and config.is_file() and not config.is_symlink()
    return path.parent if is_whole else None


ONNX_FOLDER = "onnx"
"""Hub folders hold ``onnx/model.onnx``, and these files in the folder above it."""
