"""Open GGUF files as the folders that they were made from, within the rounding of their types."""

import json
import struct
from dataclasses import replace

import gguf_files
import numpy as np
import pytest
from recording import RecordingContext
from tiny_llama import write_family, write_tiny_llama

from workers.contracts.errors import InputRefused
from workers.infer.openvino import load
from workers.model_io.gguf.header import blocks, read_header
from workers.model_io.gguf.model import FAMILIES, config_of, write_weights
from workers.pipeline.pipeline import load_pipeline

SIZES = {"hidden_size": 256, "intermediate_size": 256, "layers": 1}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    write_tiny_llama(folder, **SIZES)
    return folder


def write_folder(path, out):
    """Write config.json and the weights of a file into a folder."""
    header = read_header(path, blocks())
    config = config_of(path, header)
    (out / "config.json").write_text(json.dumps(config))
    write_weights(path, header, config, out, RecordingContext(work_dir=out))


@pytest.mark.parametrize("kind", gguf_files.KINDS)
def test_gguf_weights_equal_the_written_ones(kind, tiny, tmp_path):
    """Given a file of each type, written without the library, Then its weights are read in transformers' order."""
    from safetensors.torch import load_file

    path = tmp_path / "tiny.gguf"
    meant = gguf_files.write_gguf(tiny, path, kind)
    write_folder(path, tmp_path)
    found = load_file(tmp_path / "model.safetensors")
    assert found.keys() == meant.keys()
    for name, values in meant.items():
        # twice F16: once in the file's scales, once in what is written
        rtol = 2**-8 if kind == "BF16" else 2**-10
        np.testing.assert_allclose(found[name].float().numpy(), values, rtol=rtol, atol=1e-6)


@pytest.mark.whole
@pytest.mark.timeout(300)
def test_gguf_generates_the_same_tokens_as_the_folder(tiny, tmp_path, opened, inspected):
    # Given a file in blocks of 8 bits, and a folder with the weights that these stand for
    import torch
    import transformers

    path = tmp_path / "tiny.gguf"
    meant = gguf_files.write_gguf(tiny, path, "Q8_0")
    report = inspected(path)
    facts = (report.format, report.task, report.license, report.chat.context)
    assert facts == ("gguf", "language-model", "apache-2.0", 512)
    assert any("Q8_0" in finding.what and finding.level == "warning" for finding in report.findings)
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()
    model.load_state_dict({name: torch.from_numpy(values) for name, values in meant.items()}, strict=True)
    # When it is opened
    result, inner = opened(path)
    # Then texts become the same tokens, dialogues follow the same template, and next words are the same
    assert (result.artifact.precision, result.info.size_bytes) == ("fp16", path.stat().st_size)
    pipeline = load_pipeline(inner)
    feeds = pipeline.feeds_from("the old cat sleeps under the green house")
    own = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tiny / "tokenizer.json"))
    words = (inner / "chat_template.jinja").read_text()
    assert words == (tiny / "chat_template.jinja").read_text()
    requested = [{"role": "user", "content": "the old cat sleeps under the green house"}]
    rendered = own.apply_chat_template(requested, chat_template=words, tokenize=False)
    assert feeds["input_ids"][0].tolist() == own.encode(rendered, add_special_tokens=False)
    session = load(inner / result.artifact.main, dict(result.artifact.settings), 1)
    got = session.run({"input_ids": feeds["input_ids"], "new_tokens": np.asarray([8])})["tokens"][0]
    session.close()
    with torch.inference_mode():
        how = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
        want = model.generate(torch.from_numpy(feeds["input_ids"]), **how)[0]
    assert got.tolist() == want[feeds["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"llama"}))
def test_gguf_configuration_equals_the_librarys(family, tmp_path):
    """Given each family, Then its configuration loads all weights and computes the same."""
    import torch
    import transformers

    more = {"head_dim": 32} if family == "qwen3" else {}
    folder, path, out = (tmp_path / name for name in (family, "tiny.gguf", "out"))
    model = write_family(folder, family, "float32", num_key_value_heads=2, max_position_embeddings=512, **more)
    gguf_files.write_gguf(folder, path, "F32")
    out.mkdir()
    write_folder(path, out)
    again, report = transformers.AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    ids = torch.arange(5, 40)[None]
    with torch.inference_mode():
        torch.testing.assert_close(again.eval()(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-4)


def test_gguf_llama3_rope_is_recognized_by_its_factors(tiny, tmp_path, refused):
    """Given the factors by which Llama 3.1 divides its frequencies, Then they are recognized, and other factors are
    refused."""
    # Given the factors by which Llama 3.1 divides its frequencies, as the library computes them
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    report = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}  # fmt: skip
    config = LlamaConfig(hidden_size=256, num_attention_heads=4, rope_parameters=report)
    turns, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    factors = (10000.0 ** -(np.arange(0, 64, 2) / 64) / turns.numpy()).astype(np.float32)
    tensors, _ = gguf_files.tensors_of(tiny, "F16")
    path = tmp_path / "tiny.gguf"
    values = gguf_files.metadata_of(tiny)
    path.write_bytes(gguf_files.file_of(values, [("rope_freqs.weight", (32,), 0, factors.tobytes()), *tensors]))
    header = read_header(path, blocks())
    assert config_of(path, header)["rope_parameters"] == pytest.approx(report)
    other = np.linspace(1, 9, 32).astype(np.float32).tobytes()
    path.write_bytes(gguf_files.file_of(values, [("rope_freqs.weight", (32,), 0, other), *tensors]))
    assert "rope_freqs" in refused(path).detail


def changed(tiny, kind="F16", drop=(), **more):
    tensors, _ = gguf_files.tensors_of(tiny, kind)
    values = gguf_files.metadata_of(tiny) | {key.replace("__", "."): one for key, one in more.items()}
    return gguf_files.file_of(values, [tensor for tensor in tensors if tensor[0] not in drop])


def head(keys, tensors=0, version=3):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def entry(key, kind, data):
    return gguf_files.text(key) + struct.pack("<I", kind) + data


HOSTILE = {
    "short": (b"GGUF" + b"\0" * 60, "unsupported_version", "version 0"),
    "big endian": (b"GGUF" + struct.pack(">IQQ", 3, 1, 1) + b"\0" * 64, "unsupported_version", "version"),
    "cut in its head": (head(1)[:20], "damaged", "claims"),
    "keys": (head(2**63), "damaged", "9,223,372,036,854,775,808 entries"),
    "tensors": (head(0, 2**62) + b"\0" * 64, "damaged", "tensors"),
    "text": (head(1) + entry("a", 8, struct.pack("<Q", 2**40)), "damaged", "a text of"),
    "list": (head(1) + entry("a", 9, struct.pack("<IQ", 6, 2**61)), "damaged", "numbers"),
    "list of texts": (head(1) + entry("a", 9, struct.pack("<IQ", 8, 2**61)), "damaged", "texts"),
    "many keys": (head(2**17) + bytes(2**21), "damaged", "131,072 entries"),
    "many tensors": (head(0, 2**17) + bytes(2**23), "damaged", "131,072 tensors"),
    "long list": (head(1) + entry("a", 9, struct.pack("<IQ", 0, 2**23) + bytes(2**23)), "damaged", "8,388,608 numbers"),
    "long lists": (
        head(2) + b"".join(entry(key, 9, struct.pack("<IQ", 0, 3 << 20) + bytes(3 << 20)) for key in ("a", "b")),
        "damaged", "3,145,728 numbers",
    ),
    "list of lists": (head(1) + entry("a", 9, struct.pack("<IQ", 9, 1)), "damaged", "list of the unknown kind 9"),
    "kind": (head(1) + entry("a", 77, b"\0" * 8), "damaged", "unknown kind 77"),
    "twice": (head(2) + 2 * entry("a", 4, b"\0" * 4), "unsafe", "twice"),
    "alignment": (head(1) + entry("general.alignment", 4, struct.pack("<I", 3)), "damaged", "alignment"),
    "nothing": (head(0) + b"\0" * 40, "empty", "no tensors"),
}  # fmt: skip


def tensor(shape=(32, 32), kind=1, offset=0, name="a.weight", axes=None, data=b"\0" * 4096):
    body = gguf_files.text(name) + struct.pack("<I", len(shape) if axes is None else axes)
    return head(0, 1) + body + struct.pack(f"<{len(shape)}QIQ", *shape, kind, offset) + data


HOSTILE |= {
    "type": (tensor(kind=99), "unsupported_weights", "unknown type 99"),
    "known type": (tensor(kind=6), "unsupported_weights", "Q5_0"),
    "axes": (tensor(axes=2**31), "damaged", "axes"),
    "size": (tensor(shape=(2**40, 2**40)), "damaged", "shape"),
    "no size": (tensor(shape=(0, 4)), "damaged", "shape"),
    "block": (tensor(shape=(33, 32), kind=8), "damaged", "shape"),
    "offset": (tensor(offset=2**40), "unsafe", "overlap"),
    "end": (tensor(shape=(4096, 4096)), "damaged", "missing at its end"),
    "architecture": (tensor(), "unsupported_architecture", "“none”"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_gguf_hostile_header_is_refused_with_the_reason(name, tmp_path, refused):
    data, code, words = HOSTILE[name]
    path = tmp_path / "a.gguf"
    path.write_bytes(data)
    error = refused(path)
    assert error.code == code and words in error.detail


def test_gguf_inconsistent_parts_are_refused_before_conversion(tiny, tmp_path, refused):
    path = tmp_path / "tiny.gguf"
    cases = [
        ({"general__architecture": "mamba"}, "unsupported_architecture", "“mamba”"),
        ({"split__count": 3}, "weights_missing", "one of 3 parts"),
        ({"llama__block_count": 2**31}, "weights_missing", "1 layers instead of 2,147,483,648"),
        ({"llama__embedding_length": 2**30}, "weights_missing", "token_embd"),
        ({"llama__attention__head_count": 2**30}, "weights_missing", "attn_q"),
        ({"llama__feed_forward_length": 7}, "weights_missing", "ffn_up"),
        ({"llama__attention__layer_norm_rms_epsilon": "x"}, "damaged", "rms_norm_eps"),
        ({"llama__rope__scaling__type": "longrope"}, "unsupported_architecture", "“longrope”"),
        ({"tokenizer__ggml__model": "bert"}, "no_tokenizer", "“bert”"),
        ({"tokenizer__ggml__merges": ["x"]}, "no_tokenizer", "fit together"),
        ({"tokenizer__ggml__tokens": [*"01234"], "tokenizer__ggml__merges": ["a b"]}, "no_tokenizer", ""),
        ({"tokenizer__chat_template": "{% for i in range(10 ** 9) %}x{% endfor %}"}, "bad_template", ""),
        ({"drop": ("blk.0.attn_q.weight",)}, "weights_missing", "attn_q"),
        ({"drop": ("blk.0.ffn_down.weight",)}, "weights_missing", "down_proj"),
        ({"drop": ("token_embd.weight",)}, "damaged", "which tokens"),
    ]
    for more, code, words in cases:
        path.write_bytes(changed(tiny, **more))
        error = refused(path)
        assert (error.code, words in error.detail) == (code, True), (more, error.detail)
    # a tensor that belongs to another architecture
    tensors, _ = gguf_files.tensors_of(tiny, "F16")
    expert = ("blk.0.ffn_gate_exps.weight", (4,), 0, b"\0" * 16)
    path.write_bytes(gguf_files.file_of(gguf_files.metadata_of(tiny), [*tensors, expert]))
    assert "ffn_gate_exps" in refused(path).detail
    # cut at its end
    path.write_bytes(path.read_bytes()[:-4096])
    assert refused(path).code == "damaged"


def test_gguf_tokenizer_splits_digits_like_smollm(tiny, tmp_path, inspected):
    from tokenizers import Tokenizer

    from workers.model_io.gguf.reader import write_tokenizer

    path = tmp_path / "tiny.gguf"
    for name, pieces in (("gpt-2", 1), ("smollm", 3)):
        path.write_bytes(changed(tiny, tokenizer__ggml__pre=name))
        assert write_tokenizer(path, read_header(path, blocks()), tmp_path) == ()
        engine = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        assert len(engine.pre_tokenizer.pre_tokenize_str("178")) == pieces
    path.write_bytes(changed(tiny, tokenizer__ggml__pre="nobody-knows"))
    assert any("“nobody-knows”" in finding.what for finding in inspected(path).findings)


def test_list_of_heads_is_refused_before_it_is_multiplied(tiny, tmp_path):
    """Given a number of heads for each layer and heads of 2^50 numbers, Then no list of their product is made."""
    path = tmp_path / "tiny.gguf"
    gguf_files.write_gguf(tiny, path, "F16")
    header = read_header(path, blocks())
    hostile = {"llama.attention.head_count_kv": [1, 2, 3], "llama.attention.key_length": 1 << 50}
    with pytest.raises(InputRefused) as refused:
        config_of(path, replace(header, values={**header.values, **hostile}))
    assert refused.value.code == "damaged"
