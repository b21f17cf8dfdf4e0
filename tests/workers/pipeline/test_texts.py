"""Texts become the token inputs that the model has, with its dtypes and lengths."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from workers.contracts.pipeline import TextSteps
from workers.pipeline import PipelineError

WORDS = {"[PAD]": 3, "[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "good": 4, "film": 5}


@pytest.fixture
def tokens(tmp_path):
    """A word tokenizer beside pipeline.json, whose padding is not 0."""
    engine = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    engine.pre_tokenizer = pre_tokenizers.Whitespace()
    engine.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    engine.enable_padding(length=50)
    engine.save(str(tmp_path / "tokenizer.json"))


def text_inputs(length=None, dtype="int64"):
    names = ("input_ids", "attention_mask", "token_type_ids")
    return [{"name": n, "dtype": dtype, "shape": (None, length), "source": n} for n in names]


def test_a_text_gives_all_inputs_unpadded(tokens, make):
    feeds = make(text_inputs(), TextSteps()).feeds_from("good strange film")
    assert feeds["input_ids"].tolist() == [[0, 4, 2, 5, 1]]
    assert feeds["attention_mask"].tolist() == [[1] * 5]
    assert feeds["token_type_ids"].tolist() == [[0] * 5]
    assert feeds["input_ids"].dtype == np.int64


def test_long_texts_are_cut_and_fixed_lengths_filled_up(tokens, make):
    cut = make(text_inputs(), TextSteps(max_length=3)).feeds_from("good film good film")
    assert cut["input_ids"].tolist() == [[0, 4, 1]]
    filled = make(text_inputs(6, "int32"), TextSteps(max_length=6)).feeds_from("good")
    assert filled["input_ids"].tolist() == [[0, 4, 1, 3, 3, 3]]
    assert filled["attention_mask"].tolist() == [[1, 1, 1, 0, 0, 0]]
    assert filled["input_ids"].dtype == np.int32


def test_several_texts_are_joined_with_the_tokenizers_own_padding(tokens, make):
    pipeline = make(text_inputs(), TextSteps())
    joined = pipeline.batch([pipeline.feeds_from("good"), pipeline.feeds_from("good film")])
    assert joined["input_ids"].tolist() == [[0, 4, 1, 3], [0, 4, 5, 1]]
    assert joined["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_a_file_is_read_as_text_and_arrays_fill_in_the_mask(tokens, make, tmp_path):
    pipeline = make(text_inputs(), TextSteps())
    (tmp_path / "film.txt").write_text("good", encoding="utf-8")
    assert pipeline.feeds_from(tmp_path / "film.txt")["input_ids"].tolist() == [[0, 4, 1]]
    feeds = pipeline.feeds_from({"input_ids": np.array([0, 4, 1])})
    assert feeds["attention_mask"].tolist() == [[1, 1, 1]]


def test_mean_pooling_counts_real_tokens_only(tokens, make, session):
    pipeline = make(text_inputs(), TextSteps(), answer_kind="embedding", pooling="mean", normalize=True)
    feeds = pipeline.batch([pipeline.feeds_from("good"), pipeline.feeds_from("good film good")])
    hidden = np.zeros((2, 5, 2), np.float32)
    hidden[0, :3] = [3, 4]
    hidden[0, 3:] = 100
    hidden[1] = [1, 0]
    answer = pipeline.answer(session(lambda _: {"y": hidden}), feeds)
    np.testing.assert_allclose(answer, [[0.6, 0.8], [1, 0]], atol=1e-6)


def test_cls_pooling_takes_the_first(tokens, make, session):
    pipeline = make(text_inputs(), TextSteps(), answer_kind="embedding", pooling="cls")
    hidden = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    assert pipeline.answer(session(lambda _: {"y": hidden}), pipeline.feeds_from("good")).tolist() == [[0, 1, 2, 3]]


def test_a_missing_file_is_told_where_text_is_not_wanted(make):
    from workers.contracts.pipeline import ImageSteps

    pipeline = make([{"name": "x", "dtype": "float32", "shape": (None, 3, 8, 8), "source": "image"}], ImageSteps())
    with pytest.raises(PipelineError, match="wants a picture"):
        pipeline.feeds_from("what a nice day")
