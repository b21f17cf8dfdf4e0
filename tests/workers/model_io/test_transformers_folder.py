"""Open folders of transformers: local files only, the tokenizer's inputs, the folder's own pooling."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import read_pipeline as spec_in
from workers.model_io.runtime import load_session
from workers.pipeline.pipeline import load_pipeline

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "film"]
SMALL = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SMALL |= {"intermediate_size": 32, "max_position_embeddings": 40}


def write_tokenizer(folder):
    engine = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    engine.pre_tokenizer = pre_tokenizers.Whitespace()
    engine.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    engine.save(str(folder / "tokenizer.json"))


@pytest.fixture
def bert(tmp_path):
    """Write a tiny random BERT into a folder, as the library does."""
    import transformers

    def build(name="BertModel", **config):
        torch.manual_seed(0)
        folder = tmp_path / "tiny"
        model = getattr(transformers, name)(transformers.BertConfig(**SMALL, **config)).eval()
        model.save_pretrained(folder)
        write_tokenizer(folder)
        return folder, model

    return build


def with_config(folder, **changed):
    """Change entries of config.json; None removes one."""
    config = {**json.loads((folder / "config.json").read_text()), **changed}
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def check_texts(inner, model, pooled, atol):
    """Compare the predictions for a batch of texts of different lengths with the library's for each alone."""
    pipeline = load_pipeline(inner)
    texts = ["good film", "good good good film film"]
    feeds = pipeline.batch([pipeline.feeds_from(text) for text in texts])
    answer = pipeline.answer(load_session(inner / "model.onnx"), feeds)
    for text, row in zip(texts, answer, strict=True):
        alone = {name: torch.from_numpy(value) for name, value in pipeline.feeds_from(text).items()}
        with torch.inference_mode():
            np.testing.assert_allclose(row, pooled(model(**alone))[0].numpy(), atol=atol)


@pytest.mark.whole
@pytest.mark.timeout(300)
def test_folder_of_a_sentence_model_keeps_its_pooling(bert, opened, inspected):
    # Given a folder of sentence-transformers
    folder, model = bert()
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    (folder / "modules.json").write_text('[{"type": "sentence_transformers.models.Normalize"}]')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    assert inspected(folder).inputs[0].meaning == "a text, up to 12 tokens"
    # When it is opened
    result, inner = opened(folder)
    # Then inputs, output and pooling are those of the folder
    spec = spec_in(inner)
    assert [entry.name for entry in spec.inputs] == ["input_ids", "attention_mask", "token_type_ids"]
    assert [entry.optional for entry in spec.inputs] == [False, True, True]
    assert spec.outputs[0].name == "last_hidden_state"
    assert (spec.task, spec.pooling, spec.normalize) == ("text-embedding", "mean", True)
    assert result.conversion_error < 1e-4
    # And a batch of texts of different lengths gives the library's own embeddings
    normalized = torch.nn.functional.normalize
    check_texts(inner, model, lambda found: normalized(found.last_hidden_state.mean(dim=1)), 1e-5)


@pytest.mark.whole
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("config", "pooled"),
    [
        ({}, lambda x: x.relu().log1p().amax(dim=1)),
        (
            {"pooling_strategy": "sum", "activation_function": "log1p_relu"},
            lambda x: x.relu().log1p().log1p().sum(dim=1),
        ),
    ],
    ids=["max", "sum"],
)
def test_a_sparse_encoder_keeps_its_word_scores(bert, opened, config, pooled):
    """Given a SPLADE folder, When it is opened, Then the vector of a text is over the vocabulary, without padding."""
    folder, model = bert("BertForMaskedLM")
    modules = [{"type": "x.MLMTransformer", "path": ""}, {"type": "x.SpladePooling", "path": "1_SpladePooling"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_SpladePooling").mkdir()
    (folder / "1_SpladePooling" / "config.json").write_text(json.dumps(config))
    result, inner = opened(folder)
    spec = spec_in(inner)
    assert (spec.task, spec.answer_kind, spec.pooling) == ("text-embedding", "embedding", "none")
    assert spec.outputs[0].shape[-1] == SMALL["vocab_size"] and result.conversion_error < 1e-4
    check_texts(inner, model, lambda found: pooled(found.logits), 1e-4)


@pytest.mark.whole
@pytest.mark.timeout(300)
def test_folder_of_a_classifier_has_logits_and_class_names(bert, opened):
    labels = {0: "bad", 1: "so so", 2: "good"}
    folder, _ = bert("BertForSequenceClassification", id2label=labels, label2id={v: k for k, v in labels.items()})
    result, inner = opened(folder / "model.safetensors")  # its folder is meant
    spec = spec_in(inner)
    assert (spec.task, spec.outputs[0].name, result.info.name) == ("text-classification", "logits", "tiny")
    assert spec.classes == ("bad", "so so", "good")
    assert result.artifact.torch_program == "model.pt2"
    pipeline = load_pipeline(inner)
    answer = pipeline.answer(load_session(inner / "model.onnx"), pipeline.feeds_from("good"))
    assert {label for label, _ in pipeline.describe(answer)} == {"bad", "so so", "good"}


def test_weights_in_a_folder_are_inspected_with_the_folder(bert, inspected):
    """Given the weights file of a transformers folder, When it is chosen, Then its folder is opened, unless the
    configuration names no kind of model."""
    folder, _ = bert("BertForSequenceClassification", num_labels=2)
    info = inspected(folder / "model.safetensors")
    assert (info.format, info.task, info.name) == ("transformers", "text-classification", "tiny")
    assert info.sha256 == inspected(folder).sha256
    assert any(finding.what.startswith("Opened with the folder around it") for finding in info.findings)
    with_config(folder, model_type=None)
    assert inspected(folder / "model.safetensors").format == "safetensors"


def test_folder_with_code_never_runs_it(bert, inspected, tmp_path):
    folder, _ = bert()
    with_config(folder, auto_map={"AutoModel": "modeling_evil.Evil"})
    (folder / "modeling_evil.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    assert any("was not run" in finding.what for finding in inspected(folder).findings)
    assert not (tmp_path / "canary").exists()


def test_folder_with_missing_parts_is_refused(bert, refused):
    folder, _ = bert()
    (folder / "tokenizer.json").unlink()
    assert refused(folder).code == "no_tokenizer"
    write_tokenizer(folder)
    for changed, code in (
        ({"num_hidden_layers": 3}, "weights_missing"),
        ({"model_type": "nobody-knows"}, "cannot_load"),
        ({"architectures": ["BertLMHeadForCausalLM"]}, "unsupported_architecture"),
    ):
        with_config(folder, **changed)
        assert refused(folder).code == code
    (folder / "config.json").write_text("{")
    assert refused(folder).code == "damaged"


@pytest.mark.whole
def test_folder_with_several_weights_counts_the_opened_ones(bert, opened, inspected, refused):
    # Given a folder with the same weights in further files, as the hub has them
    from safetensors.torch import load_file, save_file

    folder, model = bert("BertForSequenceClassification")
    alone = inspected(folder)
    tensors = load_file(folder / "model.safetensors")
    save_file({name: value.half() for name, value in tensors.items()}, folder / "model.fp16.safetensors")
    save_file({name: value.char() for name, value in tensors.items()}, folder / "model.int8.safetensors")
    # Then numbers, bytes and digest are of what is opened, and the others are named
    info = inspected(folder)
    assert (info.parameters, info.size_bytes, info.sha256) == (alone.parameters, alone.size_bytes, alone.sha256)
    assert not info.quantized and any("model.fp16.safetensors" in finding.what for finding in info.findings)
    result, _ = opened(folder)
    assert result.info.parameters == sum(value.numel() for value in model.parameters())
    # When no file is marked as the one to open / Then it is refused
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputRefused) as caught:
        inspected(folder)
    assert caught.value.code == "several_models"
    # When one of 8 bits is left / Then it counts as quantized
    (folder / "model.fp16.safetensors").unlink()
    assert inspected(folder).quantized


@pytest.mark.whole
def test_folder_of_a_token_classifier_is_no_embedding(bert, opened):
    # Given a model that classifies tokens / Then its task is that, and its scores stay unchanged
    folder, _ = bert("BertForTokenClassification", num_labels=5)
    result, opened_folder = opened(folder)
    spec = spec_in(opened_folder)
    assert (result.info.task, spec.answer_kind, spec.pooling) == ("token-classification", "tensor", "none")


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"architectures": ["PatchTSTModel"], "prediction_length": 24, "context_length": 96}, "time"),
        ({"architectures": ["ViTModel"], "image_size": 224, "hidden_size": 16}, "pictures"),
        ({"architectures": ["Wav2Vec2Model"], "vocab_size": 32, "conv_dim": [512]}, "sounds"),
    ],
)
def test_folder_of_a_model_without_texts_is_refused(bert, refused, config, word):
    # Given a folder of a model for time series, pictures or sounds / Then it is refused
    folder, _ = bert()
    (folder / "config.json").write_text(json.dumps(config))
    error = refused(folder)
    assert error.code == "unsupported_architecture" and word in error.detail
