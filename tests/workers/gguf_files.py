"""GGUF files out of folders of the transformers library, written here from the format's description alone (ggml's
docs/gguf.md, ggml-quants.c), so that reading is held against something else than the library that reads."""

import json
import re
import struct
from pathlib import Path

import numpy as np

KINDS = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "Q4_K": 12, "BF16": 30}
NAMES = (
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("model.layers.", "blk."),
)


def gguf_name(name: str) -> str:
    for theirs, ours in NAMES:
        name = name.replace(theirs, ours)
    return name


def packed(values: np.ndarray, kind: str) -> tuple[bytes, np.ndarray]:
    """The bytes of a tensor (…, numbers of a row), and the float32 values that they stand for."""
    values = values.astype(np.float32)
    if kind in ("F32", "F16"):
        kept = values.astype({"F32": np.float32, "F16": np.float16}[kind])
        return kept.tobytes(), kept.astype(np.float32)
    if kind == "BF16":
        bits = values.view(np.uint32)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        return bits.astype(np.uint16).tobytes(), (bits << 16).view(np.float32)
    data, kept = {"Q8_0": _q8_0, "Q4_0": _q4_0, "Q4_K": _q4_k}[kind](values)
    return data.tobytes(), kept.reshape(values.shape)


def _half(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = values.astype(np.float16)
    return kept[:, None].view(np.uint8), kept.astype(np.float32)[:, None]


def _q8_0(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    blocks = values.reshape(-1, 32)
    raw, step = _half(np.abs(blocks).max(1) / 127)
    whole = np.clip(np.rint(blocks / np.where(step > 0, step, 1)), -127, 127).astype(np.int8)
    return np.concatenate([raw, whole.view(np.uint8)], 1), whole * step


def _q4_0(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    blocks = values.reshape(-1, 32)
    raw, step = _half(np.abs(blocks).max(1) / 7)
    whole = np.clip(np.rint(blocks / np.where(step > 0, step, 1)) + 8, 0, 15).astype(np.uint8)
    return np.concatenate([raw, whole[:, :16] | whole[:, 16:] << 4], 1), (whole.astype(np.float32) - 8) * step


def _q4_k(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """256 numbers: a scale and a least value in 16 bits, of 8 groups each a scale and a least value in 6."""
    blocks = values.reshape(-1, 8, 32)
    least = np.maximum(-blocks.min(2), 0)
    steps = (blocks.max(2) + least) / 15
    raw_d, d = _half(steps.max(1) / 63)
    raw_m, m = _half(least.max(1) / 63)
    scale = np.clip(np.rint(steps / np.where(d > 0, d, 1)), 0, 63).astype(np.uint8)
    shift = np.clip(np.rint(least / np.where(m > 0, m, 1)), 0, 63).astype(np.uint8)
    step, low = (d * scale)[:, :, None], (m * shift)[:, :, None]
    whole = np.clip(np.rint((blocks + low) / np.where(step > 0, step, 1)), 0, 15).astype(np.uint8)
    six = np.zeros((len(blocks), 12), np.uint8)
    six[:, 0:4] = scale[:, :4] | (scale[:, 4:] >> 4) << 6
    six[:, 4:8] = shift[:, :4] | (shift[:, 4:] >> 4) << 6
    six[:, 8:12] = (scale[:, 4:] & 15) | (shift[:, 4:] & 15) << 4
    pairs = whole.reshape(-1, 4, 2, 32)
    nibbles = (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(-1, 128)
    return np.concatenate([raw_d, raw_m, six, nibbles], 1), whole * step - low


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words.encode())) + words.encode()


def value(entry) -> bytes:
    """An entry's kind and value: text, bool, float, whole number, or a list of texts or whole numbers."""
    if isinstance(entry, list):
        inner = (
            b"".join(text(one) for one in entry)
            if isinstance(entry[0], str)
            else struct.pack(f"<{len(entry)}i", *entry)
        )
        return struct.pack("<IIQ", 9, 8 if isinstance(entry[0], str) else 5, len(entry)) + inner
    if isinstance(entry, str):
        return struct.pack("<I", 8) + text(entry)
    form, kind = {bool: ("<?", 7), float: ("<f", 6), int: ("<I", 4)}[type(entry)]
    return struct.pack("<I", kind) + struct.pack(form, entry)


def file_of(metadata: dict, tensors: list[tuple[str, tuple[int, ...], int, bytes]]) -> bytes:
    """A whole file: metadata, then (name, shape as torch has it, kind, bytes) of each tensor, aligned to 32."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + value(one) for key, one in metadata.items())
    body = b""
    for name, shape, kind, data in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, len(body))
        body += data + b"\0" * (-len(data) % 32)
    return head + b"\0" * (-len(head) % 32) + body


def metadata_of(folder: Path) -> dict:
    """The metadata that llama.cpp's converter writes of a folder."""
    config = json.loads((folder / "config.json").read_text())
    own = config["model_type"]
    tokens = json.loads((folder / "tokenizer.json").read_text())
    numbers = tokens["model"]["vocab"] | {entry["content"]: entry["id"] for entry in tokens["added_tokens"]}
    vocabulary = sorted(numbers, key=numbers.get)
    special = {entry["content"] for entry in tokens["added_tokens"]}
    heads, width = config["num_attention_heads"], config.get("head_dim")
    metadata = {
        "general.architecture": own,
        "general.name": "Tiny",
        "general.license": "apache-2.0",
        f"{own}.block_count": config["num_hidden_layers"],
        f"{own}.context_length": config["max_position_embeddings"],
        f"{own}.embedding_length": config["hidden_size"],
        f"{own}.feed_forward_length": config["intermediate_size"],
        f"{own}.attention.head_count": heads,
        f"{own}.attention.head_count_kv": config["num_key_value_heads"],
        f"{own}.attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        f"{own}.rope.freq_base": float(config["rope_parameters"]["rope_theta"]),
        f"{own}.attention.key_length": width or config["hidden_size"] // heads,
        f"{own}.vocab_size": config["vocab_size"],
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": vocabulary,
        "tokenizer.ggml.token_type": [3 if token in special else 1 for token in vocabulary],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in tokens["model"]["merges"]],
        "tokenizer.ggml.bos_token_id": config["bos_token_id"],
        "tokenizer.ggml.eos_token_id": config["eos_token_id"],
    }
    template = folder / "chat_template.jinja"
    return metadata | ({"tokenizer.chat_template": template.read_text()} if template.exists() else {})


def tensors_of(folder: Path, kind: str) -> tuple[list[tuple[str, tuple[int, ...], int, bytes]], dict[str, np.ndarray]]:
    """All weights, matrices in blocks of `kind`; and what these stand for, under transformers' names."""
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    tensors, meant = [], {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        values = tensor.float().numpy()
        turned = re.search(r"([qk]_proj)\.", name) if config["model_type"] == "llama" else None
        own = kind if values.ndim > 1 else "F32"
        data, kept = packed(_turn(values, heads[turned[1]]) if turned else values, own)
        meant[name] = _turn_back(kept, heads[turned[1]]) if turned else kept
        tensors.append((gguf_name(name), values.shape, KINDS[own], data))
    return tensors, meant


def _turn(rows: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp turns by neighbors, transformers by halves (convert_hf_to_gguf.py, `permute`)."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def _turn_back(rows: np.ndarray, heads: int) -> np.ndarray:
    return rows.reshape(heads, len(rows) // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def write_gguf(folder: Path, path: Path, kind: str, **more) -> dict[str, np.ndarray]:
    """The file of a folder; gives what its weights stand for. `more` metadata with "__" for a dot."""
    tensors, meant = tensors_of(folder, kind)
    metadata = metadata_of(folder) | {key.replace("__", "."): one for key, one in more.items()}
    path.write_bytes(file_of(metadata, tensors))
    return meant
