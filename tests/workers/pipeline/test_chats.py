"""Encode dialogues by a model's own template, in a sandbox, and generate answers in pieces."""

import json
import time
from collections import deque

import numpy as np
import pytest
from tiny_llama import SPECIALS, write_tokenizer

from workers.pipeline.chats import ChatTexts, answer, compiled, messages_of
from workers.pipeline.spec import Chat, PipelineError, TextSteps


@pytest.fixture
def texts(tmp_path):
    write_tokenizer(tmp_path)

    def build(template=None, context=64):
        if template is not None:
            (tmp_path / "chat_template.jinja").write_text(template)
        chat = Chat(context=context, template="chat_template.jinja", specials={"bos_token": SPECIALS[0]}, ends=(2,))
        return ChatTexts(tmp_path, TextSteps(max_length=40), chat)

    return build


class Script:
    """A session that generates the given tokens."""

    def __init__(self, tokens, vocabulary=300):
        self.tokens, self.vocabulary, self.read_ids, self.most_guessed = deque(tokens), vocabulary, [], []

    def begin(self):
        self.read_ids = []

    def read(self, ids):
        self.read_ids += ids.tolist()
        logits = np.zeros(self.vocabulary, np.float32)
        logits[self.tokens.popleft()] = 9
        return logits

    def follow(self, token, most):
        self.most_guessed.append(most)
        return self.read(np.asarray([token]))


def test_feeds_of_a_dialogue_count_its_contents_only(texts):
    # Given a dialogue
    chat = texts()
    dialogue = [{"role": "user", "content": "the cat"}, {"role": "assistant", "content": "the dog sleeps"}]
    # When it is encoded / Then words of the template do not count, and the end of an answer does
    feeds = chat.feeds(json.dumps(dialogue))
    ids, counted = feeds["input_ids"][0], feeds["counted"][0].astype(bool)
    assert chat.text(ids[counted].tolist()) == "the catthe dog sleeps"
    assert not counted[0] and 2 in ids[counted] and counted.sum() < len(ids)
    # And a plain text is a message of the user
    assert messages_of("[1, 2]")[0] == {"role": "user", "content": "[1, 2]"}
    assert chat.feeds("under the river " * 40)["input_ids"].shape == (1, 40)


def test_answer_is_generated_in_pieces_until_its_end(texts):
    chat = texts()
    wanted = chat._engine.encode("a green house é", add_special_tokens=False).ids
    script = Script([*wanted, 2])
    pieces = list(answer(script, chat, "What"))
    assert "".join(pieces) == "a green house é" and len(pieces) > 2
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)
    assert script.read_ids[: len(chat.prompt("What"))] == chat.prompt("What").tolist()
    # And no more tokens than requested; the same seed draws the same
    assert len(list(answer(Script(wanted), chat, "What", max_new_tokens=2))) <= 2
    drawn = [list(answer(Script([5] * 9), chat, "What", max_new_tokens=8, temperature=5.0, seed=3)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    with pytest.raises(PipelineError, match="reads 64 at once"):
        list(answer(Script([2]), chat, "the river " * 60))


@pytest.mark.whole
@pytest.mark.parametrize("unit", ["x", "the river "])
def test_text_of_a_megabyte_is_cut_for_evaluation_and_refused_for_an_answer(texts, unit):
    chat, script = texts(), Script([2])
    dialogue = unit * (1_000_000 // len(unit))
    assert chat.feeds(dialogue)["input_ids"].shape == (1, 40)
    with pytest.raises(PipelineError, match="reads 64 at once"):
        list(answer(script, chat, dialogue))
    assert not script.read_ids


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_answer_with_a_logit_that_is_not_finite_is_refused(texts, broken, temperature):
    """Given a model that predicts NaN or infinity for its second token, Then the first piece is yielded before the
    error."""

    class Broken(Script):
        def read(self, ids):
            whole = len(self.tokens) > 1
            logits = super().read(ids)
            return logits if whole else np.full_like(logits, broken)

    pieces = answer(Broken([70, 71]), texts(), "What", temperature=temperature)
    assert next(pieces)
    with pytest.raises(PipelineError, match="no numbers"):
        list(pieces)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}xxxxxxxxxx{% endfor %}{% endfor %}",
        "{% import 'os' as os %}",
        "{{ ''.__class__.__mro__[1].__subclasses__()[0]() }}",
        "{{ raise_exception('no such role') }}",
        "{{ messages.append(1) }}",
    ],
)
def test_hostile_template_is_refused(texts, template):
    with pytest.raises(PipelineError, match="template"):
        texts(template).prompt("What")


@pytest.mark.parametrize(
    "template",
    [
        "{% for %}",
        "{% for one in x %}" * 25 + "{% endfor %}" * 25,
        "{% if x %}" * 200 + "{% endif %}" * 200,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "9" * 5000 + " }}",
    ],
)
def test_broken_template_is_refused(template):
    """Given a template that jinja, or Python behind it, cannot read, Then it is refused as one."""
    with pytest.raises(PipelineError, match="cannot be read"):
        compiled(template)


def test_dialogue_of_thousands_of_messages_is_encoded_in_time(texts):
    """Given 20,000 messages, Then finding the counted tokens does not compare each message with each token (it took
    minutes); deep lists are texts."""
    chat = texts()
    dialogue = [{"role": "user", "content": "the cat"}] * 20_000
    began = time.perf_counter()
    feeds = chat.feeds(json.dumps(dialogue))
    assert feeds["input_ids"].shape == (1, 40) and time.perf_counter() - began < 20
    assert messages_of("[" * 100_000)[0]["role"] == "user"
