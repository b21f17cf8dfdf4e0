"""The words of a language model at the places where both models would choose another next word."""

import numpy as np
import pytest
from tiny_llama import write_tokenizer

from workers.contracts.pipeline import write_pipeline
from workers.evaluate.look.examples import END, other_words
from workers.infer.next_tokens import thoughts
from workers.model_io.readers.language_model import _spec
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import Chat

TEXT = "the old dog saw the cat"


@pytest.fixture
def pipeline(tmp_path):
    size = write_tokenizer(tmp_path)
    spec = _spec(Chat(context=512, template="chat_template.jinja", ends=(2,)), size)
    write_pipeline(tmp_path, spec)
    return load_pipeline(tmp_path)


def rows(pipeline, tokens, picks):
    """Return the stored predictions of a model that would choose `picks` after these tokens."""
    logits = np.zeros((len(tokens), 512), np.float32)
    logits[np.arange(len(tokens)), picks] = 9
    return thoughts(logits, np.asarray(tokens))


def tokens_of(pipeline, text):
    feeds = pipeline.feeds_from(text)
    return feeds["input_ids"][0][feeds["counted"][0].astype(bool)].tolist()


def test_other_words_are_shown_after_their_context(pipeline):
    """Given a model that would choose another word in one place, then both words are shown after the words before it."""
    tokens = tokens_of(pipeline, TEXT)
    words = [pipeline.text_of(np.asarray([token])).strip() for token in tokens]
    at = next(place for place, word in enumerate(words) if place > 2 and word and word != words[0])
    picks = [*tokens[:at], tokens[0], *tokens[at + 1 :]]
    before, after = other_words(pipeline, rows(pipeline, tokens, tokens), rows(pipeline, tokens, picks))
    context = " ".join(pipeline.text_of(np.asarray(tokens[max(0, at - 6) : at])).split())
    assert (before, after) == (f"“{context}” → “{words[at]}”", f"“{context}” → “{words[0]}”")


def test_end_of_text_is_shown_in_words(pipeline):
    """Given a model that ends where the other one begins, then the end is shown in words."""
    tokens = tokens_of(pipeline, TEXT)
    end = tokens[-1]
    _, after = other_words(pipeline, rows(pipeline, tokens, tokens), rows(pipeline, tokens, [end, *tokens[1:]]))
    assert after == f"first “{END}”"


def test_equal_words_are_counted(pipeline):
    """Given the same words, then their number is shown; given NaN, then that there is no answer."""
    tokens = tokens_of(pipeline, TEXT)
    same = rows(pipeline, tokens, tokens)
    assert other_words(pipeline, same, same) == (f"{len(tokens)} next words", "all kept")
    assert other_words(pipeline, same, np.full_like(same, np.nan))[1] == "no answer"
