"""Test that a file made elsewhere becomes one more version of a finished run, by the rules of all versions."""

import dataclasses
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import foreign_models as foreign
import numpy as np
import pytest
from finished_chat import chat_space
from finished_run import finished_space, write_part
from flows import go, refusal
from tiny_llama import write_tiny_llama

from app.domain.choose import has_exact_numbers
from app.domain.run import Run
from app.services.after.exporting import ExportRequest, export
from app.services.after.one_version import judge_file
from app.services.after.proving import prove
from app.services.after.trying.showing import changed_examples
from app.services.flow.events import JobBegan, ignore
from app.services.flow.steps import FlowCancelled
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.records.run_records import OtherModelRequest
from presets.sample import sample_paths
from workers.contracts.jobs import DataParams, OpenParams


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let measurements begin at once and take one set."""
    monkeypatch.setenv("FETTLE_WAIT_FOR_QUIET_S", "0")
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 1)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """The sample with two versions on 60 pictures, 48 of them to test with."""
    yield from finished_space(tmp_path / "finished")


def judge(space: Workspace, path: Path, cancel_at: str = "", events: list[Any] | None = None) -> tuple[Run, str]:
    observe = ignore if events is None else events.append
    request = OtherModelRequest(opening=OpenParams(path=str(path), to_prove=True))
    return go(space, judge_file(space, read_facts(space, "r1"), request), observe, cancel_at)


@pytest.mark.whole
def test_judged_ir_is_a_version_of_the_run(space: Workspace, tmp_path: Path) -> None:
    """Given a result, When an OpenVINO IR of the same model is judged, Then it has predictions, a verdict, times
    measured side by side and an origin; the others are unchanged; its changes can be shown, more examples are evaluated
    with it, and it can be exported."""
    before = read_facts(space, "r1")
    path = foreign.openvino_ir(tmp_path / "made.xml")
    with pytest.raises(FlowCancelled):
        judge(space, path, cancel_at="judge")
    assert read_facts(space, "r1") == before, "nothing is written before the end"
    events: list[Any] = []
    _, variant_id = judge(space, path, events=events)
    kinds = {event.kind for event in events if isinstance(event, JobBegan)}
    assert {"judge", "measure"} <= kinds
    facts = read_facts(space, "r1")
    *others, made = facts.variants
    assert tuple(others) == before.variants
    assert made.id == variant_id and made.index == 3 and made.title == "made (made elsewhere)"
    assert (made.runtime, made.recipe.steps) == ("openvino", ())
    assert made.recipe.elsewhere.path == str(path)
    assert made.recipe.elsewhere.format == "openvino_ir"
    assert (made.judgement.n, made.judgement.changed_count) == (48, 0)
    assert made.is_side_by_side and made.measurement.speedup
    assert not has_exact_numbers(made), "what was made elsewhere may hold any numbers"
    points = space.repositories.latencies.of_run("r1")
    assert sum(point.variant_id == made.id for point in points) == made.measurement.n
    assert facts.model_dir(made) != facts.original_dir and (facts.model_dir(made) / "model.xml").is_file()
    assert go(space, changed_examples(space, facts, made)) == ()

    go(space, prove(space, facts, DataParams(model_dir="", path=str(_more(tmp_path)))))
    made = read_facts(space, "r1").variants[-1]
    assert made.judgement.n == 48 + 100
    facts = read_facts(space, "r1")
    request = ExportRequest(variant_id=made.id, target="python", out=tmp_path / "made.zip")
    exported = go(space, export(space, facts, request))
    with zipfile.ZipFile(exported.path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        card = archive.read("README.md").decode()
    assert manifest["model"]["elsewhere"]["sha256"] == made.recipe.elsewhere.sha256
    assert "path" not in manifest["model"]["elsewhere"], "where the person's files lie is nobody's business"
    assert f"made elsewhere: made (openvino\\_ir, sha256 `{made.recipe.elsewhere.sha256}`)" in card


def _more(tmp_path: Path) -> Path:
    return write_part(tmp_path / "more.npz", 60, 160)


@pytest.mark.whole
def test_judged_file_is_evaluated_on_added_examples(space: Workspace, tmp_path: Path) -> None:
    """Given a result with added examples, When a file is judged, Then all examples count; the same file is refused the
    second time."""
    facts = read_facts(space, "r1")
    go(space, prove(space, facts, DataParams(model_dir="", path=str(_more(tmp_path)))))
    path = foreign.with_last_weights(tmp_path / "mixed.onnx", lambda w: np.ascontiguousarray(np.roll(w, 1, w.ndim - 1)))
    run, _ = judge(space, path)
    facts = read_facts(space, "r1")
    made = facts.variants[-1]
    assert made.judgement.n == 148
    assert made.judgement.verdict == "regressed"
    assert run.recommended_variant_id != made.id
    assert refusal(judge, space, path).error.code == "known_version"
    assert len(read_facts(space, "r1").variants) == 4


def test_file_with_another_interface_is_refused(space: Workspace, tmp_path: Path) -> None:
    """Given a model with other classes, When it is judged, Then it is refused, and the result is unchanged."""
    before = read_facts(space, "r1")
    path = foreign.with_classes(tmp_path / "seven.onnx", 7)
    refused = refusal(judge, space, path)
    assert (refused.error.code, refused.exit_code) == ("other_interface", 3)
    assert "10 classes apart, the other model 7" in refused.error.detail
    assert read_facts(space, "r1") == before


@pytest.mark.whole
def test_judged_file_is_identified_by_its_content(space: Workspace, tmp_path: Path) -> None:
    """Given the sample's own file under another name, When it is judged, Then the version names its path and keeps its
    bytes."""
    path = tmp_path / "copy of it.onnx"
    path.write_bytes(sample_paths().model.read_bytes())
    judge(space, path)
    facts = read_facts(space, "r1")
    made = facts.variants[-1]
    assert made.recipe.elsewhere.matched == ()
    assert (facts.model_dir(made) / "model.onnx").read_bytes() == path.read_bytes()
    assert dataclasses.replace(made, id="") != dataclasses.replace(facts.baseline, id="")


def write_texts(path: Path, first: int, last: int) -> Path:
    rows = [{"text": f"What is the old green house number {n} under the river?"} for n in range(first, last)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def chats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("FETTLE_WAIT_FOR_QUIET_S", "0")
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 1)
    yield from chat_space(tmp_path, write_texts(tmp_path / "texts.jsonl", 0, 60))


@pytest.mark.whole
def test_language_model_is_judged_on_the_texts_of_the_person(chats: Workspace, tmp_path: Path) -> None:
    """Given plain texts, to which Fettle adds dialogues, When the same model in other numbers is judged and more texts
    are added, Then the verdict covers the person's texts alone, the speed of text is measured, and all new texts
    count."""
    data = read_facts(chats, "r1").first_data
    assert data.n_added > 0
    write_tiny_llama(tmp_path / "other", dtype="float32")
    request = OtherModelRequest(opening=OpenParams(path=str(tmp_path / "other"), to_prove=True))
    _, variant_id = go(chats, judge_file(chats, read_facts(chats, "r1"), request))
    facts = read_facts(chats, "r1")
    (made,) = (one for one in facts.variants if one.id == variant_id)
    assert made.judgement.verdict != "regressed"
    assert (facts.speech[variant_id].tokens_per_s or 0) > 0
    assert data.n_of_person <= made.judgement.n < data.n_test
    more = DataParams(model_dir="", path=str(write_texts(tmp_path / "more.jsonl", 100, 140)))
    proved = go(chats, prove(chats, facts, more))
    assert (proved.added, proved.known) == (40, 0)
    (later,) = (one for one in read_facts(chats, "r1").variants if one.id == variant_id)
    assert later.judgement.n > made.judgement.n
