"""A folder with a random Llama of any size, written shard by shard as its maker would have: its weights are never in
memory together, neither here nor at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tiny_llama import write_tokenizer

LARGE = {
    "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32,
    "num_key_value_heads": 4, "vocab_size": 32000,
}  # fmt: skip
"""1.1 billion parameters, shared as TinyLlama's are (arXiv 2401.02385)."""

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 2048, "hidden_act": "silu",
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
    "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip


def write_llama(folder: Path, sizes: dict[str, int] = LARGE) -> int:
    """config.json, a shard for each layer and one for both ends, their index, a small tokenizer; bytes of the weights."""
    folder.mkdir(parents=True)
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **sizes}))
    where: dict[str, str] = {}
    total = 0
    for number, shard in enumerate(shards(sizes)):
        name = f"model-{number + 1:05d}-of-{sizes['num_hidden_layers'] + 1:05d}.safetensors"
        write_bf16(folder / name, shard, seed=number)
        where |= dict.fromkeys(shard, name)
        total += sum(2 * int(np.prod(shape)) for shape in shard.values())
    index = {"metadata": {"total_size": total}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return total


def shards(sizes: dict[str, int]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Names and shapes of the weights."""
    hidden, inner = sizes["hidden_size"], sizes["intermediate_size"]
    few = hidden // sizes["num_attention_heads"] * sizes["num_key_value_heads"]
    ends = (sizes["vocab_size"], hidden)
    yield {"model.embed_tokens.weight": ends, "lm_head.weight": ends, "model.norm.weight": (hidden,)}
    shapes = {
        "self_attn.q_proj": (hidden, hidden), "self_attn.k_proj": (few, hidden), "self_attn.v_proj": (few, hidden),
        "self_attn.o_proj": (hidden, hidden), "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner), "input_layernorm": (hidden,), "post_attention_layernorm": (hidden,),
    }  # fmt: skip
    for layer in range(sizes["num_hidden_layers"]):
        yield {f"model.layers.{layer}.{name}.weight": shape for name, shape in shapes.items()}


def write_bf16(path: Path, shapes: dict[str, tuple[int, ...]], seed: int) -> None:
    """Normal numbers with a deviation of .02, ones for norms; BF16 is the upper half of a float32."""
    rng = np.random.default_rng(seed)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes.values():
            values = np.ones(shape, np.float32)
            if len(shape) == 2:
                values = rng.standard_normal(shape, np.float32) * np.float32(0.02)
            file.write((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())
