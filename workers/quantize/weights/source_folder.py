"""Write the source folder of a language model again, for libraries that build their own graph from it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.contracts.measured.companions import CARRIED_FOLDER
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import Model
from workers.contracts.translation import _
from workers.infer.openvino_program import import_library
from workers.model_io.readers.named_weights import UNIFORM_FILE, Uniform, weights_of

SHARD_BYTES = 1 << 30
"""Size of a weights file in bytes; memory holds one file at a time."""

CONFIG = "config.json"
TOKENIZER_CLASS = {"tokenizer_class": "PreTrainedTokenizerFast"}
"""The only tokenizer setting besides its own file; no setting of a tokenizer enters a graph."""


def write_source(model: Model, folder: Path, title: str, ctx: JobContext) -> None:
    """Write configuration, tokenizer and weights (safetensors, as stored), without generation settings.

    Raises:
        InputRefused: the configuration or the names of the weights are unknown.
    """
    source = model.folder / CARRIED_FOLDER
    if not (source / CONFIG).is_file():
        raise InputRefused(
            "not_the_original",
            _("{0} needs the original model").format(_(title)),
            "An earlier step changed the graph, and the names of its weights are lost.",
            "Put this step first in the recipe.",
        )
    config = json.loads((source / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_bytes((source / CONFIG).read_bytes())
    (folder / "tokenizer.json").write_bytes((model.folder / "tokenizer.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CLASS), encoding="utf-8")
    program = import_library().Core().read_model(str(model.main))
    weights = weights_of(program)
    uniform = json.loads((source / UNIFORM_FILE).read_text(encoding="utf-8"))
    lacking = sorted(expected(config) - set(weights) - set(uniform))
    if lacking:
        raise InputRefused(
            "weights_without_names",
            _("{0} does not fit this model").format(_(title)),
            _("Its graph does not show where {0} of its weights are ({1}…).").format(
                len(lacking), ", ".join(lacking[:3])
            ),
            "Choose another step; the OpenVINO versions need no names.",
            facts={"lacking": list(lacking[:20])},
        )
    _write(weights, uniform, folder, ctx)


def head_size(folder: Path) -> int:
    """Return the size of a key of one head, according to the configuration in `folder`."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def expected(config: Mapping[str, Any]) -> set[str]:
    """Return the names of the weights of a transformers model with this configuration, without allocating them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    own = {key: value for key, value in config.items() if key not in ("model_type", "transformers_version")}
    with torch.device("meta"):
        made = AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **own))
    return set(made.state_dict())


def _write(weights: Mapping[str, Any], uniform: Mapping[str, Uniform], folder: Path, ctx: JobContext) -> None:
    import torch
    from safetensors.torch import save_file

    parts: list[dict[str, Any]] = [{}]
    filled, seen = 0, set()
    for name, node in weights.items():
        if node.get_friendly_name() in seen:  # shared with another weight; the configuration states that
            continue
        seen.add(node.get_friendly_name())
        size = node.get_byte_size()
        if parts[-1] and filled + size > SHARD_BYTES:
            parts.append({})
            filled = 0
        parts[-1][name] = node
        filled += size
    places: dict[str, str] = {}
    for number, part in enumerate(parts, start=1):
        ctx.check_cancelled()
        name = f"model-{number:05}-of-{len(parts):05}.safetensors" if len(parts) > 1 else "model.safetensors"
        tensors = {key: tensor_of(node) for key, node in part.items()}
        if number == 1:
            tensors |= {key: torch.full(shape, value) for key, (value, shape) in uniform.items()}
        save_file(tensors, folder / name, {"format": "pt"})
        places |= dict.fromkeys(tensors, name)
    if len(parts) > 1:
        index = {"metadata": {}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def tensor_of(node: Any) -> Any:
    """Return the torch tensor of a constant. A graph stores a vector as (1, 1, n), and numpy has no BF16."""
    import torch

    shape = [size for size in node.get_output_shape(0) if size != 1] or [1]
    if node.get_element_type().get_type_name() == "bf16":
        return torch.from_numpy(np.array(node.data).view(np.int16)).view(torch.bfloat16).reshape(shape)
    return torch.from_numpy(np.array(node.data)).reshape(shape)
