"""Convert texts to the token inputs of a model, with its dtypes and lengths."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from workers.pipeline import texts
from workers.pipeline.spec import ImageSteps, PipelineError, TextSteps

WORDS = {"[PAD]": 3, "[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "good": 4, "film": 5}


@pytest.fixture
def tokens(tmp_path):
    """Write a word tokenizer with a padding token other than 0 into the pipeline's folder."""
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


def test_text_gives_all_inputs_unpadded(tokens, make):
    feeds = make(text_inputs(), TextSteps()).feeds_from("good strange film")
    assert feeds["input_ids"].tolist() == [[0, 4, 2, 5, 1]]
    assert feeds["attention_mask"].tolist() == [[1] * 5]
    assert feeds["token_type_ids"].tolist() == [[0] * 5]
    assert feeds["input_ids"].dtype == np.int64


def test_text_is_cut_at_the_limit_and_padded_to_a_fixed_length(tokens, make):
    cut = make(text_inputs(), TextSteps(max_length=3)).feeds_from("good film good film")
    assert cut["input_ids"].tolist() == [[0, 4, 1]]
    filled = make(text_inputs(6, "int32"), TextSteps(max_length=6)).feeds_from("good")
    assert filled["input_ids"].tolist() == [[0, 4, 1, 3, 3, 3]]
    assert filled["attention_mask"].tolist() == [[1, 1, 1, 0, 0, 0]]
    assert filled["input_ids"].dtype == np.int32


def test_batch_of_texts_is_padded_with_the_tokenizers_token(tokens, make):
    pipeline = make(text_inputs(), TextSteps())
    joined = pipeline.batch([pipeline.feeds_from("good"), pipeline.feeds_from("good film")])
    assert joined["input_ids"].tolist() == [[0, 4, 1, 3], [0, 4, 5, 1]]
    assert joined["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_text_file_is_read_and_mask_of_arrays_filled_in(tokens, make, tmp_path):
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


def test_text_for_a_picture_model_is_refused(make):
    pipeline = make([{"name": "x", "dtype": "float32", "shape": (None, 3, 8, 8), "source": "image"}], ImageSteps())
    with pytest.raises(PipelineError, match="wants a picture"):
        pipeline.feeds_from("what a nice day")


@pytest.mark.parametrize("count", [10, 30_000])
def test_long_text_gives_the_same_tokens_as_the_library(tokens, make, count):
    """Given texts below and above the length from which on other threads may run, Then the tokens are the same."""
    pipeline = make(text_inputs(), TextSteps(max_length=100_000))
    text = "good strange film " * count
    assert pipeline.feeds_from(text)["input_ids"][0].tolist() == pipeline._tokenizer._engine.encode(text).ids


def test_other_threads_run_while_a_long_text_is_read(tokens, make):
    """Given a text of 900 KB, Then another thread never waits for half of the time that it takes."""
    pipeline, gaps, ends = make(text_inputs(), TextSteps()), [0.0], threading.Event()
    pipeline.feeds_from("good")

    def tick():
        last = time.perf_counter()
        while not ends.wait(0.001):
            gaps.append(time.perf_counter() - last)
            last = time.perf_counter()

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.perf_counter()
    pipeline.feeds_from("good film " * 90_000)
    took = time.perf_counter() - began
    ends.set()
    thread.join()
    assert max(gaps) < took / 2, f"{max(gaps):.2f} of {took:.2f} s"


@pytest.mark.parametrize(
    ("text", "why"),
    [("good " * 300_000, "1,200,000 bytes"), ("ü" * 700_000, "1,200,000 bytes"), ("a\ud800", "half of")],
)
def test_unreadable_text_is_refused(tokens, make, tmp_path, text, why):
    """Given a text of more than 1.2 million bytes, or with half of a character, Then it is refused, also from a
    file."""
    pipeline = make(text_inputs(), TextSteps())
    with pytest.raises(PipelineError, match=why):
        pipeline.feeds_from(text)
    (tmp_path / "a.txt").write_text(text, errors="replace")
    if why.startswith("1"):
        with pytest.raises(PipelineError, match=why):
            pipeline.feeds_from(tmp_path / "a.txt")


def test_missing_tokenizer_is_named(tmp_path: Path) -> None:
    """Given a description that names a missing tokenizer, Then the error names it."""
    with pytest.raises(PipelineError, match=r"other.*\.$"):
        texts.Tokenizer(tmp_path, TextSteps(tokenizer="other.json", max_length=8), ())
