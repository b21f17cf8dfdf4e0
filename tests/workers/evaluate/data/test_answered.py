"""Dialogues of Fettle's own beside what a person wrote, and where the answers in them begin."""

import json

import pytest
from evaluated import read_set

from workers.contracts.proof.proving import NOBODYS, ItemsParams
from workers.evaluate.data.answered import ANSWER_AT, FETTLES_OWN, WANTED, answer_at
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.in_a_row import IN_A_ROW
from workers.evaluate.data.store import is_added
from workers.evaluate.proof.added import find_fresh, fingerprints
from workers.pipeline.pipeline import load_pipeline
from workers.runtime.recording import RecordingContext


def dialogue(number):
    said = [{"role": "user", "content": f"Question {number}?"}, {"role": "assistant", "content": f"Answer {number}."}]
    return json.dumps(said)


@pytest.fixture
def built(model, tmp_path):
    """Data made of these texts, with the findings about them."""

    def build(texts):
        path = tmp_path / "texts.jsonl"
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
        result, folder = read_set(model, path, tmp_path / "work")
        return result, read_dataset(folder), folder

    return build


def test_texts_that_nobody_answers_get_dialogues(built):
    """Given plain texts, Then dialogues with answers are in the test besides, first, never in the calibration, told, and
    not counted as the person's."""
    result, data, folder = built([f"Number {n} is what a person wrote." for n in range(60)])
    own = [item for item in data.test if FETTLES_OWN in item.facts]
    assert len(own) == WANTED and own == list(data.test[:WANTED])
    assert all(ANSWER_AT in item.facts for item in own) and not any(FETTLES_OWN in i.facts for i in data.calibration)
    assert result.n_test - result.n_added == 60 - result.n_calibration
    assert any(f"{WANTED} dialogues of Fettle's own" in finding.what for finding in result.findings)
    # And the page shows what the person wrote
    assert len(result.previews) == 24 and all(shown.startswith("Number ") for shown, _ in result.previews)
    # And no later set is taken for one that was looked at because of them
    (folder.parent / "prints").mkdir()
    found = fingerprints(ItemsParams(data_dir=str(folder)), RecordingContext(folder.parent / "prints"))
    assert (found[:WANTED] == NOBODYS).all() and (found[WANTED:] != NOBODYS).all() and len(found) == len(data.test)


def test_dialogues_of_the_person_are_enough(built):
    """Given dialogues with answers, Then only what is missing comes from Fettle."""
    _, data, _ = built([dialogue(n) for n in range(30)])
    theirs = [item for item in data.test if ANSWER_AT in item.facts and FETTLES_OWN not in item.facts]
    assert theirs and len(theirs) + sum(FETTLES_OWN in item.facts for item in data.test) == WANTED


def test_where_an_answer_begins(model):
    """Given a dialogue, Then its place is that of the answer's first token among those that count and follow another."""
    pipeline = load_pipeline(model)
    feeds = pipeline.feeds_from(dialogue(7))
    at = answer_at(dialogue(7), feeds)
    ids, counted = feeds["input_ids"][0], feeds["counted"][0].astype(bool)
    following = ids[1:][counted[1:]]
    only = pipeline.feeds_from("Answer 7.")
    said = only["input_ids"][0][only["counted"][0].astype(bool)]
    assert at is not None and following[at] == said[0]
    assert answer_at("nobody answers", pipeline.feeds_from("nobody answers")) is None


def test_a_template_that_refuses_dialogues_blames_nobody(model, built):
    """Given a template that raises where a model speaks, Then no dialogue is added, and no example is called unreadable."""
    (model / "chat_template.jinja").write_text(
        "{% for m in messages %}{% if m.role != 'user' %}{{ raise_exception('users only') }}{% endif %}"
        "<|im_start|>user\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    result, data, _ = built([f"Number {n} is what a person wrote." for n in range(60)])
    assert not any(FETTLES_OWN in item.facts for item in data.test) and result.unreadable == ()


def test_dialogues_of_fettle_are_not_told_as_known(built, tmp_path):
    """Given other texts that come later, Then all of them are new, and none was there already."""
    _, _, first = built([f"Number {n} is what a person wrote." for n in range(60)])
    first = first.rename(tmp_path / "first")
    _, data, second = built([f"Line {n} was written on another day." for n in range(60)])
    (tmp_path / "fresh").mkdir()
    params = ItemsParams(data_dir=str(second), known=(str(first),))
    found = find_fresh(params, RecordingContext(tmp_path / "fresh"))
    assert (found.in_test, found.in_calibration) == (0, 0)
    assert found.items == tuple(at for at, item in enumerate(data.test) if not is_added(item))


def test_known_texts_in_a_row_are_nothing_new(built, tmp_path):
    """Given some of the same texts once more, Then none is new, nor what Fettle makes of them."""
    texts = [f"Number {n} is what a person wrote about the old green house under the river." for n in range(60)]
    _, _, first = built(texts)
    first = first.rename(tmp_path / "first")
    result, data, second = built(texts[:50])
    assert any(IN_A_ROW in item.facts for item in data.test)
    (tmp_path / "fresh").mkdir()
    params = ItemsParams(data_dir=str(second), known=(str(first),))
    found = find_fresh(params, RecordingContext(tmp_path / "fresh"))
    assert not found.items and found.in_test + found.in_calibration == result.n_of_person
