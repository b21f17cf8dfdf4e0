"""What people read of a language model's next words: where both models would go on otherwise, and in which words."""

import numpy as np
import pytest
from tiny_llama import write_tokenizer

from workers.contracts.pipeline import write_pipeline
from workers.evaluate.look.examples import END, other_words
from workers.infer.next_tokens import thoughts
from workers.model_io.readers.language_model import _spec
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import Chat

SAID = "the old dog saw the cat"


@pytest.fixture
def pipeline(tmp_path):
    size = write_tokenizer(tmp_path)
    spec = _spec(Chat(context=512, template="chat_template.jinja", ends=(2,)), size)
    write_pipeline(tmp_path, spec)
    return load_pipeline(tmp_path)


def rows(pipeline, tokens, picks):
    """Thoughts about a text of these tokens by a model that would say `picks`."""
    logits = np.zeros((len(tokens), 512), np.float32)
    logits[np.arange(len(tokens)), picks] = 9
    return thoughts(logits, np.asarray(tokens))


def tokens_of(pipeline, text):
    feeds = pipeline.feeds_from(text)
    return feeds["input_ids"][0][feeds["counted"][0].astype(bool)].tolist()


def test_other_words_are_told_behind_what_stands_before_them(pipeline):
    """Given a model that would say another word in one place, Then both words are told, behind those before them, and no
    numbers."""
    tokens = tokens_of(pipeline, SAID)
    said = [pipeline.text_of(np.asarray([token])).strip() for token in tokens]
    at = next(place for place, word in enumerate(said) if place > 2 and word and word != said[0])
    picks = [*tokens[:at], tokens[0], *tokens[at + 1 :]]
    before, after = other_words(pipeline, rows(pipeline, tokens, tokens), rows(pipeline, tokens, picks))
    context = " ".join(pipeline.text_of(np.asarray(tokens[max(0, at - 6) : at])).split())
    assert (before, after) == (f"“{context}” → “{said[at]}”", f"“{context}” → “{said[0]}”")


def test_an_end_is_told_as_such(pipeline):
    """Given a model that ends where the other one begins, Then that is said in words."""
    tokens = tokens_of(pipeline, SAID)
    end = tokens[-1]
    _, after = other_words(pipeline, rows(pipeline, tokens, tokens), rows(pipeline, tokens, [end, *tokens[1:]]))
    assert after == f"first “{END}”"


def test_what_is_the_same_is_counted(pipeline):
    """Given the same words, Then it says how many; given no numbers, that there is no answer."""
    tokens = tokens_of(pipeline, SAID)
    same = rows(pipeline, tokens, tokens)
    assert other_words(pipeline, same, same) == (f"{len(tokens)} next words", "all kept")
    assert other_words(pipeline, same, np.full_like(same, np.nan))[1] == "no answer"
