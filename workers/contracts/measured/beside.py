"""Small files beside a model that say how it is fed, what its answers mean, and what its license allows."""

LICENSE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")
BESIDE = (
    "config.json", "generation_config.json", "modules.json", "preprocessor_config.json", "tokenizer.json",
    "tokenizer_config.json", "chat_template.jinja", "sentence_bert_config.json", "1_Pooling/config.json",
    "model.safetensors.index.json", "vocab.json", "README.md", *LICENSE_FILES,
)  # fmt: skip
CARRIED = ("config.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json")
"""Of these, what the hub's own libraries need again: kept with the opened model, in the folder `CARRIED_FOLDER`."""

CARRIED_FOLDER = "source"
ONNX_FOLDER = "onnx"
"""Hub folders hold ``onnx/model.onnx``, and these files in the folder above it."""
