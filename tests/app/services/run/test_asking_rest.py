"""Test runs whose time was too short for all examples: the evaluated ones are counted, and the rest can follow."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import finished_space, write_part
from flows import go

from app.services.after import run_data
from app.services.after.proving import Proved, evaluate_rest, prove
from app.services.after.run_data import evaluated_examples
from app.services.flow.events import JobBegan
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, read_facts
from workers.contracts.jobs import AnswerResult, DataParams
from workers.contracts.specs import Judgement


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Yield the sample with two versions on 60 pictures; time sufficed for 10 of the 48 test pictures."""
    yield from finished_space(tmp_path_factory.mktemp("short"), answer_s=0.0)


def judged(facts: RunFacts) -> list[int]:
    return [variant.judgement.n for variant in facts.variants if variant.judgement is not None]


def test_of_a_run_without_a_verdict_no_examples_are_missing(space: Workspace) -> None:
    """Given a run without any verdict, Then no examples count as missing."""
    facts = read_facts(space, "r1")
    assert evaluated_examples(space, facts).n_left == 38
    variants = tuple(v if v.is_baseline else dataclasses.replace(v, judgement=None) for v in facts.variants)
    run = dataclasses.replace(facts.run, recommended_variant_id=None)
    assert evaluated_examples(space, dataclasses.replace(facts, run=run, variants=variants)).n_left == 0


@pytest.mark.whole
def test_evaluate_rest_judges_all_examples_together(space: Workspace, tmp_path: Path) -> None:
    """Given 10 of 48 evaluated examples, When the rest is evaluated and more are added, Then all are judged together,
    nothing is optimized or measured again, and looks at too few examples are not counted."""
    facts = read_facts(space, "r1")
    report = evaluated_examples(space, facts)
    assert (report.n_evaluated, report.n_test, report.n_left, report.stopped) == (10, 48, 38, "time")
    assert Path(str(report.path)).name == "some.npz"
    assert judged(facts) == [10, 10, 10]

    events: list[Any] = []
    done: Proved = go(space, evaluate_rest(space, facts), events.append)
    assert {event.kind for event in events if isinstance(event, JobBegan)} <= {"answer", "judge", "fingerprints"}
    assert (done.added, done.known) == (38, 0)
    facts = read_facts(space, "r1")
    assert judged(facts) == [48, 48, 48]
    assert evaluated_examples(space, facts).n_left == 0
    assert not facts.proof.parts
    assert facts.data.n_test == 48

    more = write_part(tmp_path / "more.npz", 60, 100)
    added: Proved = go(space, prove(space, facts, DataParams(model_dir="", path=str(more))))
    assert (added.added, added.known, added.merged) == (40, 0, 0)
    facts = read_facts(space, "r1")
    assert judged(facts) == [88, 88, 88]
    assert space.repositories.looks.of_model(facts.project.model_sha256) == [], "so few could not prove anything"


@pytest.mark.parametrize(("verdict", "n_left"), [("safe", 0), ("not_enough_data", 38)])
def test_evaluated_examples_as_planned_miss_none_once_safe(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, verdict: str, n_left: int
) -> None:
    """Given 10 of 48 examples evaluated as planned, Then a safe version needs no more, and another one can be evaluated
    on the rest."""
    planned = AnswerResult(n=10, seconds=1.0)
    monkeypatch.setattr(run_data, "answers_result", lambda workspace, key: planned)
    facts = read_facts(space, "r1")
    judgement = Judgement(verdict=verdict, n=10, margin=0.01, labelled=False)
    variants = tuple(v if v.is_baseline else dataclasses.replace(v, judgement=judgement) for v in facts.variants)
    chosen = next(v.id for v in variants if not v.is_baseline)
    run = dataclasses.replace(facts.run, recommended_variant_id=chosen)
    found = evaluated_examples(space, dataclasses.replace(facts, run=run, variants=variants))
    assert found.n_left == n_left and not found.stopped
