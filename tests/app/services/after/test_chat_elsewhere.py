"""A chat that was made elsewhere, and texts that come later, beside a finished run on a person's plain texts."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from finished_chat import chat_space
from tiny_llama import write_tiny_llama

from app.services.after.elsewhere import judge_file
from app.services.after.proving import prove
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.records.run_plan import BesideRequest
from workers.contracts.jobs import DataParams, OpenParams


def write_texts(path: Path, first: int, last: int) -> Path:
    rows = [{"text": f"What is the old green house number {n} under the river?"} for n in range(first, last)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("FETTLE_WAIT_FOR_QUIET_S", "0")
    monkeypatch.setattr("app.services.run.elsewhere.FINAL_SETS", 2)
    yield from chat_space(tmp_path, data=write_texts(tmp_path / "texts.jsonl", 0, 60))


@pytest.mark.whole
def test_it_is_judged_on_the_texts_of_the_person(space: Workspace, tmp_path: Path) -> None:
    """Given plain texts, which get dialogues of Fettle's own, When the same model in other numbers is judged beside it
    and more texts come, Then it has a verdict on the person's texts alone and speaks so many tokens a second, and all new texts
    count."""
    data = read_facts(space, "r1").first_data
    assert data is not None and data.n_added > 0
    write_tiny_llama(tmp_path / "other", dtype="float32")
    request = BesideRequest(opening=OpenParams(path=str(tmp_path / "other"), to_prove=True))
    done = run_to_end(Driver(space, judge_file(space, read_facts(space, "r1"), request), ignore))
    facts = read_facts(space, "r1")
    (made,) = (one for one in facts.variants if one.id == done.variant_id)
    assert made.judgement is not None and made.judgement.verdict != "regressed"
    assert (facts.speech[done.variant_id].tokens_per_s or 0) > 0
    assert data.n_of_person <= made.judgement.n < data.n_test
    more = DataParams(model_dir="", path=str(write_texts(tmp_path / "more.jsonl", 100, 140)))
    proved = run_to_end(Driver(space, prove(space, facts, more), ignore))
    assert (proved.added, proved.known) == (40, 0)
    (later,) = (one for one in read_facts(space, "r1").variants if one.id == done.variant_id)
    assert later.judgement is not None and later.judgement.n > made.judgement.n
