"""Each family of language models that is said to open does: tiny ones with random weights, held against the library."""

from typing import Any

import pytest
from tiny_llama import write_family

from workers.model_io.readers.language_model import FAMILIES

GROUPED = {"num_key_value_heads": 2, "max_position_embeddings": 512, "pad_token_id": 0}
OWN: dict[str, dict[str, Any]] = {
    "gpt_neox": {"max_position_embeddings": 512},
    "mistral": {**GROUPED, "sliding_window": None},
    "gemma": {**GROUPED, "head_dim": 16},
    "qwen3": {**GROUPED, "head_dim": 16},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_converted_and_thinks_as_the_library_does(family: str, tmp_path, opened) -> None:
    """Given a folder of this family in BF16, When it is opened, Then its next words are the library's on a sentence, or
    opening would refuse it."""
    write_family(tmp_path / family, family, **OWN.get(family, GROUPED))
    result, _ = opened(tmp_path / family)
    assert (result.artifact.format, result.runtime) == ("openvino-ir", "openvino")
