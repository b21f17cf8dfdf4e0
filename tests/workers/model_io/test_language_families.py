"""Each family of language models that is said to open does: tiny ones with random weights, held against the library."""

from typing import Any

import pytest
from tiny_llama import write_tokenizer

from workers.model_io.readers.language_model import FAMILIES

USUAL = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {"num_key_value_heads": 2, "max_position_embeddings": 512, "pad_token_id": 0}
OWN: dict[str, dict[str, Any]] = {
    "gpt_neox": {**USUAL, "max_position_embeddings": 512},
    "mistral": {**USUAL, **GROUPED, "sliding_window": None},
    "gemma": {**USUAL, **GROUPED, "head_dim": 16},
    "qwen3": {**USUAL, **GROUPED, "head_dim": 16},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_converted_and_thinks_as_the_library_does(family: str, tmp_path, opened) -> None:
    """Given a folder of this family in BF16, When it is opened, Then its next words are the library's on a sentence, or
    opening would refuse it."""
    import torch
    import transformers

    torch.manual_seed(0)
    folder = tmp_path / family
    folder.mkdir()
    sizes = OWN.get(family, {**USUAL, **GROUPED})
    vocabulary = write_tokenizer(folder)
    config = transformers.CONFIG_MAPPING[family](vocab_size=vocabulary, eos_token_id=2, bos_token_id=0, **sizes)
    transformers.AutoModelForCausalLM.from_config(config).eval().to(torch.bfloat16).save_pretrained(folder)
    result, _ = opened(folder)
    assert (result.artifact.format, result.runtime) == ("openvino-ir", "openvino")
