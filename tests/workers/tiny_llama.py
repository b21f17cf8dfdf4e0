"""A folder with a tiny random Llama, a tokenizer and a chat template, in seconds.

Its logits are made steep, so that near ties are as rare as in a trained model and INT8 keeps its next words.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

WORDS = (
    "the a cat dog house river green old runs sleeps sings under over and with near What is of capital France Paris."
)
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write_tokenizer(folder: Path, size: int = 300) -> int:
    """tokenizer.json, its configuration and the template; the number of tokens."""
    engine = Tokenizer(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIALS, initial_alphabet=alphabet)
    engine.train_from_iterator([WORDS] * 4, trainer)
    engine.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    tokens = {"bos_token": SPECIALS[0], "eos_token": {"__type": "AddedToken", "content": SPECIALS[2]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens))
    return engine.get_vocab_size()


def write_family(folder: Path, family: str, dtype: str = "bfloat16", **sizes):
    """A folder of a tiny random model of a family of the library; gives the module as it was saved."""
    import torch
    import transformers

    torch.manual_seed(0)
    folder.mkdir()
    usual = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    usual |= {"vocab_size": write_tokenizer(folder), "eos_token_id": 2, "bos_token_id": 0}
    config = transformers.CONFIG_MAPPING[family](**{**usual, **sizes})
    model = transformers.AutoModelForCausalLM.from_config(config).eval().to(getattr(torch, dtype))
    model.save_pretrained(folder)
    return model


def write_tiny_llama(folder: Path, layers: int = 2, dtype: str = "bfloat16", steep: float = 3.0, **config):
    """The folder as the library writes it; gives the module as it was saved."""
    import torch
    import transformers

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder)
    sizes = {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": layers, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.2,
        "tie_word_embeddings": False, "vocab_size": vocabulary, "eos_token_id": 2, "bos_token_id": 0, **config,
    }  # fmt: skip
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes)).eval()
    with torch.no_grad():
        model.lm_head.weight *= steep
    model = model.to(getattr(torch, dtype))
    model.save_pretrained(folder)
    return model


def items(count: int) -> list[dict[str, np.ndarray]]:
    """Texts as the pipeline prepares them: random tokens, all of which are judged."""
    rng = np.random.default_rng(3)
    rows = [rng.integers(3, 260, (1, 12 + number % 8)) for number in range(count)]
    return [{"input_ids": row, "counted": np.ones_like(row)} for row in rows]
