"""Convert a GGUF file to transformers' form: its configuration, and its weights under transformers' names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.translation import _
from workers.model_io.gguf.header import PLAIN, Header, Tensor
from workers.model_io.words import damaged, refuse, shown, unsupported

SHARD_BYTES = 1 << 30
CHUNK_NUMBERS = 1 << 24
NAME = re.compile(r"(?:blk\.(\d{1,4})\.)?(\w{1,40})\.(weight|bias)")

FAMILIES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
"""llama.cpp's architectures and transformers' classes (SmolLM2 and Mistral without a sliding window are "llama")."""

OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
INSIDE = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""llama.cpp's names of a layer's weights (gguf-py, tensor_mapping.py) and transformers' names."""

ROPE = "rope_freqs.weight"
"""Tensor with the divisors of each frequency by which Llama 3.1 extends its context."""

NEEDED = (
    "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "rms_norm_eps",
)  # fmt: skip


def refuse_unknown(path: Path, header: Header) -> None:
    """Check that all parts of the file are known.

    Raises:
        InputRefused: with the name of the unknown part, or for one of several split files.
    """
    if header.architecture not in FAMILIES:
        raise unsupported(
            _("{0} is a GGUF file of the architecture “{1}”.").format(
                path.name, shown(header.architecture or _("none"), 60)
            ),
            _("Of GGUF files these can be opened: {0}. Others may open as a folder of safetensors.").format(
                ", ".join(FAMILIES)
            ),
        )
    if (header.number("split.count") or 1) > 1:
        raise refuse(
            "weights_missing",
            "The model lies in several files",
            _("{0} is one of {1:,} parts.").format(path.name, header.number("split.count")),
            "Join them with llama.cpp's “gguf-split --merge”, and open the whole file.",
        )
    for tensor in header.tensors:
        if tensor.name != ROPE and not _name(tensor):
            raise unsupported(
                _("{0} holds {1}, which an ordinary {2} does not have.").format(
                    path.name, shown(tensor.name, 60), header.architecture
                ),
                _("It may be a variant with its own parts. Open it as a folder of safetensors instead."),
            )


def _name(tensor: Tensor) -> str:
    """Return the weight's name in transformers; "" for unknown ones."""
    layer, part, ending = found.groups() if (found := NAME.fullmatch(tensor.name)) else (None, "", "")
    name = (OUTSIDE if layer is None else INSIDE).get(part)
    inside = "" if layer is None else f"model.layers.{int(layer)}."
    return f"{inside}{name}.{ending}" if name else ""


def config_of(path: Path, header: Header) -> dict[str, Any]:
    """Return the content of config.json.

    Raises:
        InputRefused: its sizes differ from those of the weights.
    """
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

    own, values = header.architecture, header.values
    names = {key: name for key, name in GGUF_CONFIG_MAPPING[own].items() if name is not None}
    config: dict[str, Any] = {name: values[f"{own}.{key}"] for key, name in names.items() if f"{own}.{key}" in values}
    config.setdefault("num_key_value_heads", config.get("num_attention_heads"))
    lacking = [name for name in NEEDED if not isinstance(config.get(name), int | float)]
    table = header.tensor("token_embd.weight")
    if lacking or table is None:
        unknown_tokens = _("it does not state which tokens it knows.")
        raise damaged(path, _("it does not state {0}.").format(", ".join(lacking)) if lacking else unknown_tokens)
    heads = config["num_attention_heads"]
    config["head_dim"] = header.number(f"{own}.attention.key_length") or config["hidden_size"] // max(1, heads)
    config |= {"vocab_size": table.shape[0], "tie_word_embeddings": header.tensor("output.weight") is None}
    for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("pad", "padding")):
        config[f"{ours}_token_id"] = header.number(f"tokenizer.ggml.{theirs}_token_id")
    config["attention_bias"] = header.tensor("blk.0.attn_q.bias") is not None
    _refuse_mismatch(path, header, config)
    config["rope_parameters"] = _rope(path, header, config.pop("rope_theta", 10_000.0), config)
    return {"model_type": own, "architectures": [FAMILIES[own]], **config}


def _refuse_mismatch(path: Path, header: Header, config: dict[str, Any]) -> None:
    """Check that the configured sizes equal those of the weights."""
    layers = {int(named[1]) for tensor in header.tensors if (named := NAME.fullmatch(tensor.name)) and named[1]}
    hidden, heads, width = config["hidden_size"], config["num_attention_heads"], config["head_dim"]
    shapes = {
        "token_embd": (config["vocab_size"], hidden),
        "blk.0.attn_q": (heads * width, hidden),
        "blk.0.attn_k": (config["num_key_value_heads"] * width, hidden),
        "blk.0.ffn_up": (config["intermediate_size"], hidden),
    }
    found = {name: tensor.shape for name in shapes if (tensor := header.tensor(f"{name}.weight"))}
    wrong = next((name for name in shapes if found.get(name) != shapes[name]), None)
    if wrong is None and len(layers) == max(layers) + 1 == config["num_hidden_layers"]:
        return
    difference = _("{0:,} layers instead of {1:,}").format(len(layers), config["num_hidden_layers"])
    if wrong:
        difference = _("{0} has the sizes {1} instead of {2}").format(wrong, found.get(wrong), shapes[wrong])
    raise refuse(
        "weights_missing",
        "Some weights are missing",
        _("The weights of {0} are not those that its header describes: {1}.").format(path.name, difference),
        "Download the whole file again.",
    )


def _rope(path: Path, header: Header, theta: float, config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the rotary positions.

    Raises:
        InputRefused: with the name of an unknown method.
    """
    usual: dict[str, Any] = {"rope_type": "default", "rope_theta": theta}
    kind = header.text(f"{header.architecture}.rope.scaling.type") or "none"
    if kind == "linear":
        factor = header.values.get(f"{header.architecture}.rope.scaling.factor")
        return usual | {"rope_type": "linear", "factor": factor}
    tensor = header.tensor(ROPE)
    if kind == "none" and tensor is None:
        return usual
    if kind == "none" and tensor is not None and tensor.kind == 0:
        factors = np.fromfile(path, np.float32, tensor.size // 4, offset=tensor.start)
        llama3 = usual | {"rope_type": "llama3", "factor": float(factors.max())}
        llama3 |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
        if _same_turns(factors, theta, llama3, config):
            return llama3
    raise unsupported(
        _("{0} extends its context by “{1}”, which is not known.").format(
            path.name, shown(kind if kind != "none" else ROPE, 40)
        ),
        _("Open it as a folder of safetensors instead."),
    )


def _same_turns(factors: Any, theta: float, rope: dict[str, Any], config: dict[str, Any]) -> bool:
    """Return whether transformers with this configuration divides the frequencies by these factors."""
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    width = config["head_dim"]
    if factors.shape != (width // 2,) or not np.isfinite(factors).all() or factors.min() < 0.99:
        return False
    sizes = {name: config[name] for name in ("hidden_size", "num_attention_heads", "head_dim")}
    turns, _ = ROPE_INIT_FUNCTIONS["llama3"](LlamaConfig(**sizes, rope_parameters=rope), "cpu")
    plain = theta ** -(np.arange(0, width, 2) / width)
    return bool(np.allclose(plain / turns.numpy(), factors, rtol=1e-3))


def precision(header: Header) -> str:
    """Return the number format in safetensors' terms; blocks count as F16 (an F16 scale times few bits)."""
    kinds = {tensor.kind for tensor in header.tensors}
    return "F16" if kinds - set(PLAIN) or 1 in kinds else "BF16" if 30 in kinds else "F32"


def write_weights(path: Path, header: Header, config: dict[str, Any], folder: Path, ctx: JobContext) -> None:
    """Write safetensors of `precision` and their index, in files of one GiB so that memory holds one at a time."""
    from safetensors.torch import save_file

    size = 4 if precision(header) == "F32" else 2
    parts: list[list[Tensor]] = [[]]
    filled = 0
    for tensor in (tensor for tensor in header.tensors if tensor.name != ROPE):
        n_bytes = size * int(np.prod(tensor.shape))
        if filled + n_bytes > SHARD_BYTES and parts[-1]:
            parts.append([])
            filled = 0
        parts[-1].append(tensor)
        filled += n_bytes
    names: dict[str, str] = {}
    for number, part in enumerate(parts, start=1):
        name = f"model-{number:05}-of-{len(parts):05}.safetensors" if len(parts) > 1 else "model.safetensors"
        tensors = dict(_tensors(path, header, config, part, ctx))
        save_file(tensors, folder / name, {"format": "pt"})
        names |= dict.fromkeys(tensors, name)
    if len(parts) > 1:
        index = {"values": {}, "weight_map": names}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _tensors(
    path: Path, header: Header, config: dict[str, Any], part: list[Tensor], ctx: JobContext
) -> Iterator[tuple[str, Any]]:
    import torch
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    dtype = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}[precision(header)]
    heads = LlamaTensorProcessor(config)  # llama.cpp permutes the rows of these two weights, for llama only
    for tensor in part:
        ctx.check_cancelled()
        name, numbers = _name(tensor), _numbers(path, tensor, dtype)
        if header.architecture == "llama" and ("q_proj." in name or "k_proj." in name):
            # the same bits as integers, because numpy has no BF16
            bits = numbers.view({2: torch.int16, 4: torch.int32}[numbers.element_size()]).numpy()
            numbers = torch.from_numpy(heads.process(bits, tensor.name).weights.copy()).view(dtype)
        yield name, numbers.contiguous()


def _numbers(path: Path, tensor: Tensor, dtype: Any) -> Any:
    """Read and unpack one tensor, some million numbers at a time."""
    import torch
    from transformers.integrations.gguf.dequant import GGML_BLOCK, dequantize

    raw = torch.from_numpy(np.fromfile(path, np.uint8, tensor.size, offset=tensor.start))
    if tensor.kind in PLAIN:
        own = {0: torch.float32, 1: torch.float16, 30: torch.bfloat16}[tensor.kind]
        return raw.view(own).reshape(tensor.shape).to(dtype)
    numbers, size = GGML_BLOCK[tensor.kind]
    step = CHUNK_NUMBERS // numbers * size
    chunks = [dequantize(raw[at : at + step], tensor.kind).to(dtype) for at in range(0, len(raw), step)]
    return torch.cat(chunks).reshape(tensor.shape)
