"""A module in BF16 is computed in 32 bits, layer by layer, and keeps its own weights."""

import copy

import torch
from tiny_llama import write_tiny_llama

from workers.model_io.readers.language_model import in_32_bits


def test_it_computes_as_a_wide_copy_does_and_stays_as_it_was(tmp_path) -> None:
    # Given a tiny model whose table serves both ends
    model = write_tiny_llama(tmp_path / "tiny", tie_word_embeddings=True)
    stored = {name: parameter.data_ptr() for name, parameter in model.named_parameters()}
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():
        want = copy.deepcopy(model).float()(input_ids=ids).logits
        # When it is computed layer by layer
        with in_32_bits(model):
            got = model(input_ids=ids).logits
        # Then it is the same in 32 bits, which 16 bits are not
        assert got.dtype == torch.float32 and torch.equal(got, want)
        assert not torch.equal(model(input_ids=ids).logits.float(), want)
    assert {name: parameter.data_ptr() for name, parameter in model.named_parameters()} == stored
    assert all(parameter.dtype == torch.bfloat16 for parameter in model.parameters())
