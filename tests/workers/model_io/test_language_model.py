"""Convert folders of language models once, compare them with the library, and refuse bad ones in plain words."""

import copy
import json
from typing import Any

import numpy as np
import pytest
import torch
from tiny_llama import write_family, write_tiny_llama

from workers.contracts.pipeline import read_pipeline
from workers.infer.next_tokens import thoughts
from workers.infer.openvino import load
from workers.model_io.readers.language_model import FAMILIES, in_32_bits
from workers.pipeline.pipeline import load_pipeline


@pytest.mark.whole
@pytest.mark.timeout(300)
def test_language_model_keeps_bf16_and_predicts_like_the_library(tmp_path, opened, inspected):
    # Given a folder in BF16, in two files of weights
    import transformers

    folder = tmp_path / "tiny"
    model = write_tiny_llama(folder)
    model.save_pretrained(folder, max_shard_size="100KB")
    (folder / "model.safetensors").unlink()
    report = inspected(folder)
    assert (report.task, report.chat.context, report.chat.cache_numbers_per_token) == (
        "language-model",
        512,
        2 * 2 * 2 * 16,
    )
    # When it is opened
    result, inner = opened(folder)
    # Then it is stored in BF16 and computed in 32 bits
    assert (result.artifact.format, result.artifact.precision, result.runtime) == ("openvino-ir", "bf16", "openvino")
    assert result.artifact.size_bytes < 2 * report.size_bytes
    spec = read_pipeline(inner)
    assert spec.chat.ends == (2,) and spec.chat.specials["eos_token"] == "<|im_end|>"
    # And its probabilities are the library's, in pieces and at once
    pipeline = load_pipeline(inner)
    feeds = pipeline.feeds_from("the old cat sleeps under the green house " * 5)
    session = load(inner / result.artifact.main, dict(result.artifact.settings), 1)
    got = pipeline.answer_of(pipeline.run(session, feeds), feeds)[0]
    ids = torch.from_numpy(feeds["input_ids"])
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0].numpy()
        wanted = model.generate(ids, max_new_tokens=12, min_new_tokens=12, do_sample=False, pad_token_id=0)[0]
    at = np.flatnonzero(feeds["counted"][0, 1:])
    want = thoughts(logits[at], ids[0, 1:].numpy()[at])
    np.testing.assert_allclose(got[:, 1], want[:, 1], atol=1e-3, rtol=1e-3)
    np.testing.assert_array_equal(got[:, 2], want[:, 2])
    session._piece = 16
    np.testing.assert_allclose(pipeline.run(session, feeds)["next_tokens"][0], got, atol=2e-3, rtol=1e-3)
    tokens = session.run({"input_ids": feeds["input_ids"], "new_tokens": np.asarray([12])})["tokens"][0]
    assert tokens.tolist() == wanted[ids.shape[1] :].tolist()
    session.close()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["lm_head.weight", "model.norm.weight"])
def test_language_model_with_nan_weights_is_refused(part, tmp_path, refused):
    folder = tmp_path / "tiny"
    model = write_tiny_llama(folder, layers=1)
    model.state_dict()[part].fill_(torch.nan)
    model.save_pretrained(folder)
    error = refused(folder)
    assert "NaN" in error.detail


def test_language_model_folder_with_a_fault_is_refused_before_conversion(tmp_path, refused):
    folder = tmp_path / "tiny"
    write_tiny_llama(folder, layers=1)
    config = json.loads((folder / "config.json").read_text())

    def with_config(**changed):
        (folder / "config.json").write_text(json.dumps({**config, **changed}))

    for changed, codes in (
        ({"vocab_size": 200}, ("other_tokenizer",)),
        ({"quantization_config": {"quant_method": "gptq"}}, ("few_bits_already",)),
        ({"num_hidden_layers": 3}, ("weights_missing",)),
        ({"intermediate_size": 64}, ("cannot_load", "weights_missing")),
        ({"model_type": "nobody-knows"}, ("unsupported_architecture",)),
    ):
        with_config(**changed)
        assert refused(folder).code in codes
    with_config()
    template = (folder / "chat_template.jinja").read_text()
    for bad in ("{% for i in range(10 ** 9) %}x{% endfor %}", "{% import 'os' as os %}", "{% for %}"):
        (folder / "chat_template.jinja").write_text(bad)
        assert refused(folder).code == "bad_template"
    (folder / "chat_template.jinja").write_text(template)
    first, second = (folder / f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
    (folder / "model.safetensors").rename(first)
    second.write_bytes(first.read_bytes())
    index = {"metadata": {}, "weight_map": {"lm_head.weight": first.name, "x": "gone.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert refused(folder).code == "weights_missing"
    (folder / "tokenizer.json").unlink()
    assert refused(folder).code in ("no_tokenizer", "weights_missing")


def test_in_32_bits_computes_like_a_float32_copy_and_restores_the_model(tmp_path) -> None:
    # Given a tiny model with tied embeddings
    model = write_tiny_llama(tmp_path / "tiny", tie_word_embeddings=True)
    stored = {name: parameter.data_ptr() for name, parameter in model.named_parameters()}
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():
        want = copy.deepcopy(model).float()(input_ids=ids).logits
        # When it is computed layer by layer
        with in_32_bits(model):
            got = model(input_ids=ids).logits
        # Then it equals 32 bits, unlike 16 bits
        assert got.dtype == torch.float32 and torch.equal(got, want)
        assert not torch.equal(model(input_ids=ids).logits.float(), want)
    assert {name: parameter.data_ptr() for name, parameter in model.named_parameters()} == stored
    assert all(parameter.dtype == torch.bfloat16 for parameter in model.parameters())


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
def test_language_model_of_each_family_is_converted(family: str, tmp_path, opened) -> None:
    """Given a folder of this family in BF16, When it is opened, Then its next tokens are the library's, or opening
    would refuse it."""
    write_family(tmp_path / family, family, **OWN.get(family, GROUPED))
    result, _ = opened(tmp_path / family)
    assert (result.artifact.format, result.runtime) == ("openvino-ir", "openvino")
