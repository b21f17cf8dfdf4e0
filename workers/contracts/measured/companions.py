"""Small files beside a model that describe its inputs, its outputs and its license."""

from pathlib import Path

LICENSE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")
COMPANIONS = (
    "config.json", "generation_config.json", "modules.json", "preprocessor_config.json", "tokenizer.json",
    "tokenizer_config.json", "chat_template.jinja", "sentence_bert_config.json", "1_Pooling/config.json",
    "model.safetensors.index.json", "vocab.json", "README.md", *LICENSE_FILES,
)  # fmt: skip
CARRIED = ("config.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json")
"""Files that the hub's libraries need again; they are stored with the opened model, in the folder `CARRIED_FOLDER`."""

CARRIED_FOLDER = "source"
WEIGHT_SUFFIXES, WEIGHT_NAMES = (".safetensors",), ("pytorch_model.bin",)
"""Names of weight files in a transformers folder, which are useless without the folder's other files."""


def folder_of_weights(path: Path) -> Path | None:
    """Return the folder of a weight file that has a config.json beside it; None for any other path."""
    named = path.suffix in WEIGHT_SUFFIXES or path.name in WEIGHT_NAMES
    config = path.parent / "config.json"
    is_whole = named and path.is_file() and not path.is_symlink() and config.is_file() and not config.is_symlink()
    return path.parent if is_whole else None


ONNX_FOLDER = "onnx"
"""Subfolder of hub folders that holds ``model.onnx``; the files of `COMPANIONS` are in the folder above it."""
