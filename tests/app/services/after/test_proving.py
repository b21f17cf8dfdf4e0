"""Test a finished run that is judged again with more examples: only these are predicted, and all count together."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finished_run import finished_space, write_part
from flows import go, refusal

from app.domain.choose import is_alike_not_proven
from app.domain.run import RunState
from app.persistence.errors import StoreUnusable
from app.services.after.proving import Proved, prove
from app.services.after.run_data import judged_items, parts_of
from app.services.after.trying.showing import changed_examples
from app.services.flow.events import JobBegan, ignore
from app.services.flow.steps import FlowCancelled
from app.services.flow.workspace import Workspace
from app.services.records.after_run import AddedPart, Proof, data_with
from app.services.records.facts import RunFacts, read_facts
from workers.contracts.jobs import DataParams
from workers.pipeline.prepared import Prepared


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The sample with two versions on 60 pictures, 48 of them to test with."""
    yield from finished_space(tmp_path_factory.mktemp("prove"))


def add(space: Workspace, path: Path, events: list[Any] | None = None, cancel_at: str = "") -> Proved:
    """Add a file; cancel when a job of this kind begins."""
    observe = ignore if events is None else events.append
    facts = read_facts(space, "r1")
    return go(space, prove(space, facts, DataParams(model_dir="", path=str(path))), observe, cancel_at)


def judged(facts: RunFacts) -> list[tuple[str, int]]:
    return [(v.judgement.verdict, v.judgement.n) for v in facts.variants if v.judgement is not None]


@pytest.mark.whole
def test_prove_with_more_examples_makes_the_verdict_safe(space: Workspace, tmp_path: Path) -> None:
    """Given a verdict that 48 examples do not prove, When more are added in two steps, some of them known, Then only
    new ones count, nothing is optimized again, the verdict becomes safe, and all figures agree."""
    before = read_facts(space, "r1")
    assert before.recommended is not None and is_alike_not_proven(before.recommended)
    assert [n for _, n in judged(before)] == [48, 48, 48]

    with pytest.raises(FlowCancelled):
        add(space, write_part(tmp_path / "more.npz", 40, 160), cancel_at="answer")
    assert read_facts(space, "r1") == before, "nothing is written before the end"

    events: list[Any] = []
    proved = add(space, write_part(tmp_path / "more.npz", 40, 160), events)
    kinds = [event.kind for event in events if isinstance(event, JobBegan)]
    assert kinds.count("answer") == 3 and set(kinds) <= {"data", "fresh", "fingerprints", "answer", "judge"}, (
        "nothing is made anew"
    )
    assert (proved.added, proved.known) == (100, 20)
    facts = read_facts(space, "r1")
    assert [n for _, n in judged(facts)] == [148, 148, 148]
    assert facts.recommended is not None and is_alike_not_proven(facts.recommended)
    assert facts.recommended.measurement == before.recommended.measurement
    assert "not proven" in facts.run.headline

    refused = refusal(add, space, tmp_path / "more.npz")
    assert refused.error.code == "nothing_new" and "120" in refused.error.detail

    proved = add(space, write_part(tmp_path / "rest.npz", 160, 480, labels=False))
    facts = read_facts(space, "r1")
    assert facts.recommended.judgement is not None
    assert facts.recommended.judgement.verdict == "safe" and proved.run.state is RunState.FINISHED
    assert facts.run.headline.endswith(", same answers")
    assert facts.data.n_test == 48 + 100 + 320 and facts.proof.added == 420
    assert facts.first_data.n_test == 48

    pruned = facts.variants[2]
    assert max(pruned.judgement.changed) > 48
    rows = go(space, changed_examples(space, facts, pruned))
    assert [row.item for row in rows] == list(pruned.judgement.changed[:200])
    assert all(row.before != row.after and Path(str(row.picture)).is_file() for row in rows)


def test_a_proof_that_cannot_be_recorded_changes_nothing(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a disk that is full when the last record is written, Then verdicts, run and examples are unchanged."""
    before = read_facts(space, "r1")

    def full(*_: object) -> None:
        raise StoreUnusable("disk_full", space.paths.database, "The disk is full.", "Free some space.")

    monkeypatch.setattr("app.services.after.proving.write_proof", full)
    with pytest.raises(StoreUnusable):
        add(space, write_part(tmp_path / "later.npz", 600, 620))
    assert read_facts(space, "r1") == before


def test_judged_items_are_in_the_order_of_changed_numbers(space: Workspace, tmp_path: Path) -> None:
    """Given a run and added examples, Then each number of a changed item is the index of its example's name."""
    if not read_facts(space, "r1").proof.parts:  # chosen alone
        add(space, write_part(tmp_path / "more.npz", 160, 170))
    facts = read_facts(space, "r1")
    names, rows = judged_items(space.artifacts, facts), facts.variants[2].judgement
    assert max(rows.changed) < len(names)
    assert len(names) == sum(part.n_test for part in parts_of(space.artifacts, facts, facts.proof)) > 48
    with np.load(write_part(space.paths.root / "all.npz", 0, 60)) as stored:
        pixels = stored["x"]
    shown = Prepared(facts.data_dir / "test")
    for number in range(48):
        (picture,) = shown[number].values()
        assert np.corrcoef(picture.ravel(), pixels[int(names[number].removeprefix("item ")) - 1].ravel())[0, 1] > 0.99


def test_made_inputs_give_way_to_real_ones(space: Workspace) -> None:
    """Given a run on inputs made by Fettle and added examples, Then only the added examples count."""
    facts = read_facts(space, "r1")
    part = AddedPart(data_key="ab", path="", items=(1, 2), known=0, n_test=120, labelled=False, answers={})
    made = dataclasses.replace(facts, first_data=facts.first_data.model_copy(update={"origin": "made"}))
    proof = Proof(parts=(part, part))
    assert [part.first_number for part in parts_of(space.artifacts, made, proof)] == [0, 120]
    assert [part.first_number for part in parts_of(space.artifacts, facts, proof)] == [0, 48, 168]
    assert [part.n_test for part in parts_of(space.artifacts, made, Proof())] == [48]
    report = data_with(made.first_data, proof)
    assert (report.origin, report.n_test, report.labelled) == ("person", 4, False)
