"""Test the regression watch: a project's test set is pinned, and each later result is compared with the one before."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from finished_run import finished_space, write_part
from flows import go, refusal

from app.domain.job import ExportRecord
from app.domain.run import Run
from app.persistence.errors import StoreUnusable
from app.services.after.comparing import against_document, compare_against
from app.services.after.watching import (
    ReleaseChange,
    Watched,
    read_pinned,
    read_watched,
    then_watched,
    watch,
    watched_document,
    watched_words,
)
from app.services.flow.driver import Driver
from app.services.flow.steps import Flow
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import read_data
from app.services.records.documents import compare_document
from app.services.records.facts import read_facts
from workers.contracts.jobs import DataParams

LATER = datetime(2026, 3, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """Yield a project with one result: a faster engine (v1, recommended) and a pruned version (v2), 48 examples."""
    yield from finished_space(tmp_path)


def another_run(space: Workspace, run_id: str, recommended: str, days: int, data_key: str = "") -> Run:
    """Add the same versions as a later run; `recommended` is the variant's index."""
    first = space.repositories.runs.get("r1")
    at = LATER + timedelta(days=days)
    made = dataclasses.replace(
        first, id=run_id, created_at=at, finished_at=at, baseline_variant_id=f"{run_id}-0",
        recommended_variant_id=f"{run_id}-{recommended}", data_key=data_key or first.data_key,
    )  # fmt: skip
    space.repositories.runs.add(made)
    for variant in space.repositories.variants.list(run_id="r1"):
        space.repositories.variants.add(dataclasses.replace(variant, id=f"{run_id}-{variant.index}", run_id=run_id))
    return made


def watched(space: Workspace, run: Run) -> Watched | None:
    return go(space, watch(space, run))


def new_examples(space: Workspace, tmp_path: Path) -> str:
    """Return the key of other examples, read for the first run's model."""
    params = DataParams(
        model_dir=str(read_facts(space, "r1").original_dir), path=str(write_part(tmp_path / "new.npz", 100, 180))
    )
    return go(space, read_data(params)).key


def ending(run: Run) -> Flow[Run]:
    yield from ()
    return run


def test_the_first_result_pins_the_test_set(space: Workspace) -> None:
    """Given a project's first result, Then its test set is pinned, there is nothing to compare with, and later results
    do not move the pin."""
    run = space.repositories.runs.get("r1")
    assert watched(space, run) is None and read_watched(space.repositories, "r1") is None
    pinned = read_pinned(space.repositories, "p1")
    assert (pinned.run_id, pinned.data_key, pinned.n_test) == ("r1", run.data_key, 48)
    watched(space, another_run(space, "r2", "1", 0))
    assert read_pinned(space.repositories, "p1") == pinned


def test_each_result_is_judged_against_the_one_before(space: Workspace) -> None:
    """Given later results, Then each is compared with the last one before it, or with the last export; equal
    predictions are reported as equal, a worse version as worse, and the sentence counts what the judge counted."""
    watched(space, space.repositories.runs.get("r1"))
    same = watched(space, another_run(space, "r2", "1", 0))
    assert (same.other_run_id, same.other_variant_id, same.is_export) == ("r1", "v1", False)
    assert not same.is_worse and "all 48 answers are the same" in watched_words(same) and not same.libraries
    assert f" {same.other_at.astimezone():%B %Y}, " in watched_words(same), "a date needs its year"
    assert read_watched(space.repositories, "r2") == same

    worse = watched(space, another_run(space, "r3", "2", 1))
    assert worse.other_run_id == "r2" and worse.judgement is not None
    pruned = space.repositories.variants.get("v2").judgement
    assert (worse.judgement.changed_count, worse.judgement.verdict) == (pruned.changed_count, pruned.verdict)
    assert f"{pruned.changed_count} of 48 answers differ" in watched_words(worse)

    record = ExportRecord("e1", "r1", "v1", "python", "/d.zip", "cd" * 32, 3, LATER, "[]")
    space.repositories.exports.add(record)
    against_export = watched(space, another_run(space, "r4", "1", 2))
    assert against_export.is_export and against_export.other_run_id == "r1"
    assert "the version exported on 6 March" in watched_words(against_export)
    document = watched_document(against_export)
    assert document["changed"] == 0 and document["against"]["variant"] == "v1"


def test_original_is_not_compared_with_itself(space: Workspace) -> None:
    """Given two results that keep the original, Then the second has no comparison; if the original's predictions
    changed, as with another library, it has one."""
    first = space.repositories.runs.get("r1")
    space.repositories.runs.update(dataclasses.replace(first, recommended_variant_id=None))
    watched(space, space.repositories.runs.get("r1"))
    again = another_run(space, "r2", "0", 0)
    space.repositories.runs.update(dataclasses.replace(again, recommended_variant_id=None))
    assert watched(space, space.repositories.runs.get("r2")) is None
    assert read_watched(space.repositories, "r2") is None

    original = space.repositories.variants.get("r2-0")
    pruned = space.repositories.variants.get("v2")
    space.repositories.variants.update(dataclasses.replace(original, answers_key=pruned.answers_key))
    assert watched(space, space.repositories.runs.get("r2")).judgement.changed_count > 0


def test_run_with_other_examples_predicts_the_pinned_ones(space: Workspace, tmp_path: Path) -> None:
    """Given a later run with other examples, Then its version predicts the pinned ones; if the model is another one,
    too, it cannot be compared."""
    watched(space, space.repositories.runs.get("r1"))
    data_key, kinds = new_examples(space, tmp_path), list[str]()
    run = another_run(space, "r2", "2", 0, data_key)
    driver = Driver(space, watch(space, run), lambda event: kinds.append(getattr(event, "kind", "")))
    found = run_to_end(driver)
    pruned = space.repositories.variants.get("v2").judgement
    assert found.judgement is not None and pruned is not None
    assert (found.judgement.n, found.judgement.changed_count) == (48, pruned.changed_count)
    assert "judge" in kinds

    strange = another_run(space, "r3", "1", 1, data_key)
    original = space.repositories.variants.get("r3-0")
    space.repositories.variants.update(dataclasses.replace(original, artifact_key="ef" * 32))
    found = watched(space, strange)
    assert found.judgement is None and "were both others" in watched_words(found)


def test_libraries_that_changed_are_named(space: Workspace) -> None:
    """Given predictions that an older library made, Then a difference names the library with both versions."""
    watched(space, space.repositories.runs.get("r1"))
    run = another_run(space, "r2", "2", 0)
    record = space.repositories.artifacts.get(space.repositories.variants.get("v1").answers_key)
    older = record.made_by_json.replace('"onnxruntime": "', '"onnxruntime": "0.9-')
    assert older != record.made_by_json
    space.repositories.artifacts.update(dataclasses.replace(record, made_by_json=older))
    found = watched(space, run)
    (library,) = found.libraries
    assert isinstance(library, ReleaseChange) and library.name == "onnxruntime" and library.before.startswith("0.9-")
    assert "Libraries have changed since: onnxruntime 0.9-" in watched_words(found)


def test_comparison_without_files_names_the_reason(space: Workspace) -> None:
    """Given missing files, Then the run's result stays, and the comparison names the reason."""
    watched(space, space.repositories.runs.get("r1"))
    run = another_run(space, "r2", "1", 0)
    for name in ("v1", "r2-1"):
        variant = space.repositories.variants.get(name)
        space.repositories.variants.update(dataclasses.replace(variant, answers_key="ab" * 32))
    assert go(space, then_watched(space, ending(run))) == run
    found = read_watched(space.repositories, "r2")
    assert found.judgement is None and "no longer in the store" in watched_words(found)


def test_damaged_files_do_not_change_a_finished_run(space: Workspace, tmp_path: Path) -> None:
    """Given a later run on other examples whose model's description is damaged, When it ends, Then it is finished, and
    the reason for the missing comparison is recorded."""
    watched(space, space.repositories.runs.get("r1"))
    run = another_run(space, "r2", "2", 0, new_examples(space, tmp_path))
    later = read_facts(space, "r2")
    (later.model_dir(next(v for v in later.variants if v.index == 2)) / "artifact.json").write_text("{", "utf-8")
    assert go(space, then_watched(space, ending(run))) == run
    found = read_watched(space.repositories, "r2")
    assert found.judgement is None and "cannot be read" in found.reason


def test_comparison_that_cannot_be_stored_does_not_change_a_finished_run(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a database that takes nothing more just after the run was recorded, Then the run is finished."""
    run = another_run(space, "r2", "1", 0)

    def full(*_: object) -> None:
        raise StoreUnusable("disk_full", space.paths.database, "The disk is full.", "Free some space.")

    monkeypatch.setattr(type(space.repositories.settings), "put", full)
    assert go(space, then_watched(space, ending(run))) == run


def test_compare_against_judges_every_version_without_writing(space: Workspace, tmp_path: Path) -> None:
    """Given `--against`, Then every version is judged against the other run's result, no speed is claimed and nothing
    is written; runs on other examples are refused."""
    another_run(space, "r2", "1", 0)
    stored = sorted(space.artifacts.root.rglob("*"))
    facts, other = read_facts(space, "r2"), read_facts(space, "r1")
    reference, variants = go(space, compare_against(space.artifacts, facts, other))
    assert reference.id == "v1" and len(variants) == 3
    assert sorted(space.artifacts.root.rglob("*")) == stored
    assert all(variant.measurement.speedup is None for variant in variants)
    counts = [variant.judgement.changed_count for variant in variants if variant.judgement]
    assert counts == [0, 0, space.repositories.variants.get("v2").judgement.changed_count]
    document = against_document(compare_document(facts.run, variants, facts.outcome), reference)
    assert document["against"] == {"run_id": "r1", "variant": "v1"} and document["baseline"]["id"] == "v1"

    another_run(space, "r3", "1", 1, new_examples(space, tmp_path))
    refused = refusal(go, space, compare_against(space.artifacts, read_facts(space, "r3"), other))
    assert refused.exit_code == 3 and "different examples" in refused.error.detail
