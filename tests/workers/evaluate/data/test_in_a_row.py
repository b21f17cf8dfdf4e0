"""A language model is also judged on long conversations, made of the texts that it is judged on."""

import json
from functools import partial

import numpy as np
import pytest
from evaluated import read_set

from workers.contracts.data.reading import IN_A_ROW
from workers.evaluate.data.base import Entry, digest
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.in_a_row import MOST, in_a_row
from workers.pipeline.chats import messages_of
from workers.pipeline.prepared import Prepared

TOKENS = 200


def entry(number, text):
    return Entry(f"row {number}", partial(str, text), partial(digest, text.encode()), text=text)


def dialogue(number, *, system=False):
    messages = [("system", "Be kind.")] if system else []
    messages += [("user", f"Question {number}?"), ("assistant", f"Answer {number}.")]
    return entry(number, json.dumps([{"role": role, "content": content} for role, content in messages]))


def test_dialogues_are_joined_to_one_dialogue():
    """Given dialogues that begin with the same instruction, Then it comes once, and all other messages follow in order."""
    ((count, made), *_) = in_a_row([dialogue(n, system=True) for n in range(40)], TOKENS)
    messages = messages_of(made.text)
    assert [one["role"] for one in messages] == ["system", *["user", "assistant"] * count]
    assert messages[-1]["content"] == f"Answer {count - 1}."
    assert made.source == f"row 0 to row {count - 1}, in a row"


def test_texts_are_joined_in_order():
    texts = [f"This is what was written as number {n}, and it ends here." for n in range(60)]
    made = in_a_row([entry(n, text) for n, text in enumerate(texts)], TOKENS)
    assert "\n\n".join(text for _, one in made for text in one.text.split("\n\n")) == "\n\n".join(texts)
    assert all(len(one.text) >= 4 * TOKENS for _, one in made[:-1])


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(0, "One text alone.")],
        [entry(0, "Two texts are"), entry(1, "too few, and one is much longer than the other, so much longer")],
        [entry(n, "Long ones need no company. " * 40) for n in range(5)],
        [entry(n, json.dumps([{"role": "user", "content": "Nobody answers."}])) for n in range(50)],
    ],
    ids=["none", "one", "too few", "long already", "dialogues without an answer"],
)
def test_unsuitable_texts_make_no_conversation(entries):
    assert in_a_row(entries, TOKENS) == []


def test_number_of_conversations_is_bounded():
    assert len(in_a_row([dialogue(n) for n in range(5000)], TOKENS)) == MOST


def test_own_dialogues_are_joined_as_well(model, tmp_path):
    """Given no data, Then the test set also has long conversations of Fettle's own dialogues, the calibration set none."""
    result, folder = read_set(model, None, tmp_path / "work")
    data = read_dataset(folder)
    long = [item for item in data.test if IN_A_ROW in item.facts]
    assert long and long == list(data.test[: len(long)])
    assert not [item for item in data.calibration if IN_A_ROW in item.facts]
    assert any(f"{len(long)} long conversations" in finding.what for finding in result.findings)
    feeds = Prepared(folder / "test")
    sizes = [feeds[at]["input_ids"].shape[1] for at in range(len(data.test))]
    assert max(sizes) == 512
    assert np.median(sizes[: len(long)]) > 2 * np.median(sizes[len(long) :])
