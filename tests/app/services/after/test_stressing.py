"""Test a version of a finished run under stress: by real jobs, stored with the run, in the card, and by the command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import copied_space, finished_folder
from flows import go, refusal

from app.cli.main import main
from app.services.after.exporting import ExportRequest, card_facts
from app.services.after.stressing import Stressed, stored_stress, stress
from app.services.flow.driver import Driver
from app.services.flow.events import JobBegan, StepProgress, ignore
from app.services.flow.steps import FlowCancelled
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.records.after_run import read_record
from app.services.records.facts import read_facts
from workers.contracts.specs import DeviceFacts

SHORT_S = 6.0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_folder(tmp_path_factory.mktemp("stressed"))


@pytest.fixture(scope="module")
def space(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The sample with two versions, 48 pictures to test with."""
    yield from copied_space(root, tmp_path_factory.mktemp("copy"))


def put(space: Workspace, variant: str | None, events: list[Any] | None = None) -> Stressed:
    observe = ignore if events is None else events.append
    return go(space, stress(space, read_facts(space, "r1"), variant, max_seconds=SHORT_S), observe)


@pytest.mark.whole
def test_stress_findings_are_stored_and_found_again(space: Workspace) -> None:
    """Given a pruned version, When it is put under stress, Then its losses are found, stored with the run, and cached;
    the card of that version has them, the other one's has not."""
    facts = read_facts(space, "r1")
    assert [variant.id for variant in facts.made] == ["v1", "v2"] and not facts.stress
    events: list[Any] = []
    found = put(space, "v2", events)
    stages = {event.stage for event in events if isinstance(event, StepProgress)}
    assert "Running both versions on changed pictures" in stages
    assert found.result.clean.drop > 0.3 and found.result.clean.verdict != "even" and found.result.headline
    assert all((found.folder / str(row.picture)).is_file() for row in found.result.rows)
    events.clear()
    again = put(space, "v2", events)
    assert again.result == found.result and not [event for event in events if isinstance(event, JobBegan)]
    flow = stress(space, read_facts(space, "r1"), "v2", max_seconds=SHORT_S, again=True)
    other = go(space, flow)
    assert other.result.rows[0].cells != found.result.rows[0].cells, "other noise the next time"
    assert put(space, "v2").result == other.result, "and what was found last stays"
    found = other

    facts = read_facts(space, "r1")
    assert set(facts.stress) == {"v2"}
    kept = stored_stress(space, facts, facts.variants[2])
    assert kept == found and stored_stress(space, facts, facts.variants[1]) is None
    device = DeviceFacts(processor="a processor", cores=2, memory_bytes=1)
    report = card_facts(facts, facts.variants[2], ExportRequest(None, "python", Path("x.zip")), device)
    assert report.stress == found.result
    assert card_facts(facts, facts.variants[1], ExportRequest(None, "python", Path("x.zip")), device).stress is None


def test_stress_of_an_unknown_version_is_refused(space: Workspace) -> None:
    """Given the original's id, or an unknown one, Then the hint names the list of versions."""
    for wanted in ("v0", "nothing"):
        refused = refusal(put, space, wanted)
        assert refused.exit_code == 3 and "fettle compare" in refused.error.hint


def test_cancelled_stress_stores_nothing(space: Workspace) -> None:
    """Given a person who cancels, Then the work ends soon and nothing is stored."""
    flow = stress(space, read_facts(space, "r1"), "v1", full=True)
    events: list[Any] = []
    driver = Driver(space, flow, events.append)
    while not any(isinstance(event, StepProgress) and event.done > 2 for event in events):
        assert driver.tick()
    driver.cancel()
    with pytest.raises(FlowCancelled):
        run_to_end(driver)
    assert read_record(space.repositories, "v1") is None


@pytest.mark.whole
def test_stress_command_prints_words_and_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a finished run, When `fettle stress` runs, Then it prints the table and the sentence, and the same as
    JSON."""
    words = ["--data-dir", str(root / "data"), "stress", "r1", "--variant", "v2", "--seconds", "6"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "Noise" in shown.out and "unchanged" in shown.out and "Square attack" in shown.out
    sentence = shown.err.strip().splitlines()[-1]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (
        report["headline"] == sentence
        and report["variant"] == "v2"
        and report["run_id"] == "r1"
        and report["rows"][0]["cells"][0]["n"] >= 10
    )
    assert main(["--data-dir", str(root / "data"), "stress", "nothing"]) == 3
    assert "There is no such run" in capsys.readouterr().err
