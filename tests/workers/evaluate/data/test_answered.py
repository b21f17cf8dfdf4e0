"""Fettle's own dialogues in addition to a person's texts, and where the answers in them begin."""

import json

import pytest
from evaluated import read_set
from recording import RecordingContext

from workers.contracts.data.reading import FETTLES_OWN, IN_A_ROW
from workers.contracts.proof.proving import NOBODYS, ItemsParams
from workers.evaluate.data.answered import ANSWER_AT, WANTED, answer_at
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.store import is_added
from workers.evaluate.proof.added import find_fresh, fingerprints
from workers.pipeline.pipeline import load_pipeline


def dialogue(number):
    messages = [("user", f"Question {number}?"), ("assistant", f"Answer {number}.")]
    return json.dumps([{"role": role, "content": content} for role, content in messages])


@pytest.fixture
def built(model, tmp_path):
    """Data made of these texts, with the findings about them."""

    def build(texts):
        path = tmp_path / "texts.jsonl"
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
        result, folder = read_set(model, path, tmp_path / "work")
        return result, read_dataset(folder), folder

    return build


def test_texts_without_answers_get_dialogues(built):
    """Given plain texts, Then dialogues with answers come first in the test set, are never in the calibration set, are
    reported, and do not count as the person's."""
    result, data, folder = built([f"Number {n} is what a person wrote." for n in range(60)])
    own = [item for item in data.test if FETTLES_OWN in item.facts]
    assert len(own) == WANTED and own == list(data.test[:WANTED])
    assert all(ANSWER_AT in item.facts for item in own) and not any(FETTLES_OWN in i.facts for i in data.calibration)
    assert result.n_test - result.n_added == 60 - result.n_calibration
    assert any(f"{WANTED} dialogues of Fettle's own" in finding.what for finding in result.findings)
    # And they do not make later sets look like known ones
    (folder.parent / "prints").mkdir()
    found = fingerprints(ItemsParams(data_dir=str(folder)), RecordingContext(folder.parent / "prints"))
    assert (found[:WANTED] == NOBODYS).all() and (found[WANTED:] != NOBODYS).all() and len(found) == len(data.test)


def test_dialogues_of_a_person_reduce_added_ones(built):
    """Given dialogues with answers, Then Fettle adds only the missing ones."""
    _, data, _ = built([dialogue(n) for n in range(30)])
    theirs = [item for item in data.test if ANSWER_AT in item.facts and FETTLES_OWN not in item.facts]
    assert theirs and len(theirs) + sum(FETTLES_OWN in item.facts for item in data.test) == WANTED


def test_answer_at_is_the_place_of_its_first_token(model):
    """Given a dialogue, Then its place is that of the answer's first token among those that count and follow another."""
    pipeline = load_pipeline(model)
    feeds = pipeline.feeds_from(dialogue(7))
    at = answer_at(dialogue(7), feeds)
    ids, counted = feeds["input_ids"][0], feeds["counted"][0].astype(bool)
    following = ids[1:][counted[1:]]
    only = pipeline.feeds_from("Answer 7.")
    first = only["input_ids"][0][only["counted"][0].astype(bool)]
    assert at is not None and following[at] == first[0]
    assert answer_at("nobody answers", pipeline.feeds_from("nobody answers")) is None


def test_template_that_refuses_dialogues_gets_none(model, built):
    """Given a template that raises where a model speaks, Then no dialogue is added, and no example is called unreadable."""
    (model / "chat_template.jinja").write_text(
        "{% for m in messages %}{% if m.role != 'user' %}{{ raise_exception('users only') }}{% endif %}"
        "<|im_start|>user\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    result, data, _ = built([f"Number {n} is what a person wrote." for n in range(60)])
    assert not any(FETTLES_OWN in item.facts for item in data.test) and result.unreadable == ()


@pytest.mark.parametrize("are_known", [False, True])
def test_items_that_fettle_adds_are_neither_known_nor_new(built, tmp_path, are_known):
    """Given other texts that come later, or some of the same ones, Then all of these are new, or known, whatever Fettle
    adds to them."""
    texts = [f"Number {n} is what a person wrote about the old green house under the river." for n in range(60)]
    _, _, first = built(texts)
    first = first.rename(tmp_path / "first")
    result, data, second = built(texts[:50] if are_known else [text.replace("Number", "Line") for text in texts])
    assert any(IN_A_ROW in item.facts for item in data.test)
    (tmp_path / "fresh").mkdir()
    params = ItemsParams(data_dir=str(second), known=(str(first),))
    found = find_fresh(params, RecordingContext(tmp_path / "fresh"))
    assert found.items == (() if are_known else tuple(at for at, item in enumerate(data.test) if not is_added(item)))
    assert found.in_test + found.in_calibration == (result.n_of_person if are_known else 0)
