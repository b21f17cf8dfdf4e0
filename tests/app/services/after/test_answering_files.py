"""Answer a folder with a version of the sample: real processes, stopped and continued, as a table."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from finished_run import finished_space, write_picture
from flows import codes, go
from spaces import opened_space

from app.services.after.answering import answer_files, bundle_version, part_of, run_version, save_table
from app.services.after.exporting import ExportRequest, export
from app.services.flow.driver import Driver
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import FlowCancelled, JobStep
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from presets.sample import sample_paths
from workers.contracts.after.answering import PART_FILE

N_PICTURES, STOPPED_AT = 40, 5


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The sample with two versions."""
    yield from finished_space(tmp_path_factory.mktemp("answer"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures in two sub-folders, one that is none, and a list that would leave some out."""
    folder = tmp_path_factory.mktemp("ünï pictures")
    for number in range(N_PICTURES):
        place = folder / ("test" if number % 2 else "train")
        place.mkdir(exist_ok=True)
        write_picture(place / f"=1+{number}.png", number)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def stop_after(space: Workspace, flow: Any, n_rows: int) -> None:
    """Cancel a flow as soon as so many inputs have a row."""

    def watch(event: Event) -> None:
        if isinstance(event, StepProgress) and event.done >= n_rows:
            driver.cancel()

    driver = Driver(space, flow, watch)
    while driver.tick():
        pass
    assert isinstance(driver.error, FlowCancelled)


def rows_in(part: Path) -> list[dict[str, Any]]:
    """Return all rows of a part below its first line."""
    return [json.loads(line) for line in (part / PART_FILE).read_text(encoding="utf-8").splitlines()[1:]]


@pytest.mark.whole
def test_answers_after_a_cancel_continue_and_equal_those_of_the_bundle(
    space: Workspace, pictures: Path, tmp_path: Path
) -> None:
    """Given a folder with a broken picture, When its answering is cancelled and started again, Then no input is
    answered twice, all have a row, and the table is that of the exported bundle."""
    facts = read_facts(space, "r1")
    version, key = go(space, run_version(space, facts, facts.variants[1]))
    part = part_of(space, key, pictures, None)
    stop_after(space, answer_files(space, version, key, pictures), STOPPED_AT)
    first = rows_in(part)
    assert len(first) >= STOPPED_AT  # on a busy computer all may be answered before the cancel arrives
    result = go(space, answer_files(space, version, key, pictures))
    assert (result.answered, result.failed) == (N_PICTURES, 1)
    assert rows_in(part)[: len(first)] == first
    assert len({row["input"] for row in rows_in(part)}) == len(rows_in(part)) == N_PICTURES + 1

    go(space, export(space, facts, ExportRequest("v1", "python", tmp_path / "b.zip")))
    opened, other = go(space, bundle_version(tmp_path / "b.zip"))
    assert other != key
    go(space, answer_files(space, opened, other, pictures))
    tables = []
    for name, folder in (("run.csv", part), ("bundle.csv", part_of(space, other, pictures, None))):
        go(space, save_table(folder, tmp_path / name))
        tables.append((tmp_path / name).read_bytes())
    assert tables[0] == tables[1] and tables[0].startswith(b"\xef\xbb\xbfinput,answer,confidence")
    rows = list(csv.DictReader((tmp_path / "run.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert sorted(row["input"] for row in rows if row["problem"]) == ["broken.png"]


def test_answers_of_another_version_or_changed_input_are_dropped(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given answered pictures, When one is changed and one removed, Then only the changed one is answered again; with
    another version in the same part, nothing of the first is left."""
    names = [write_picture(tmp_path / f"{number}.png", number).name for number in range(3)]
    facts = read_facts(space, "r1")
    version, key = go(space, run_version(space, facts, facts.variants[1]))
    part = part_of(space, key, tmp_path, None)
    go(space, answer_files(space, version, key, tmp_path))
    before = {row["input"]: row for row in rows_in(part)}
    assert list(before) == names
    write_picture(tmp_path / names[0], 9)
    (tmp_path / names[1]).unlink()
    go(space, answer_files(space, version, key, tmp_path))
    after = {row["input"]: row for row in rows_in(part)}
    assert set(after) == {names[0], names[2]}
    assert after[names[2]] == before[names[2]] and after[names[0]] != before[names[0]]

    monkeypatch.setattr("app.services.after.answering.part_of", lambda *_of: part)
    original, other = go(space, run_version(space, facts, facts.variants[0]))
    go(space, answer_files(space, original, other, tmp_path))
    assert json.loads((part / PART_FILE).read_text(encoding="utf-8").splitlines()[0])["version"] == other
    assert all(row["scores"] != after[row["input"]]["scores"] for row in rows_in(part))


def test_wrong_paths_are_refused_with_their_codes(space: Workspace, tmp_path: Path) -> None:
    """Given nothing to answer, a file that is no bundle, and unknown formats, When they are used, Then each is refused
    by its code."""
    facts = read_facts(space, "r1")
    version, key = go(space, run_version(space, facts, facts.variants[1]))
    (tmp_path / "notes.docx").write_text("x", encoding="utf-8")
    assert codes(go, space, answer_files(space, version, key, tmp_path)) == ("no_data_found", 3)
    assert codes(go, space, answer_files(space, version, key, tmp_path / "gone")) == ("no_such_data", 3)
    for path in (tmp_path, sample_paths().model):
        assert codes(go, space, bundle_version(path)) == ("not_a_bundle", 3)
    assert codes(go, space, save_table(tmp_path, tmp_path / "a.ods")) == ("unknown_table", 3)
    assert codes(go, space, save_table(tmp_path, tmp_path / "a.csv")) == ("no_answers", 3)


def test_an_input_that_crashes_the_process_is_a_row_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Given a picture at which the model's process dies, When a folder is answered, Then the process begins again
    behind it, and the picture's row says so; with too many of them the work stops."""
    names = [
        write_picture(tmp_path / name, number).name for number, name in enumerate(("a.png", "crash 1.png", "z.png"))
    ]
    with opened_space(tmp_path / "home", job_kinds="fettle_service_handlers") as space:
        version: Any = SimpleNamespace(
            variant=SimpleNamespace(runtime="onnxruntime-cpu"), settings={}, row_columns=(),
            parameters=lambda: {"model_dir": str(tmp_path), "runtime": "onnxruntime-cpu"},
            step=lambda kind, params, result, path, **more: JobStep(kind, params, result, "", (path,), **more),
        )  # fmt: skip
        result = go(space, answer_files(space, version, "k", tmp_path))
        assert (result.answered, result.failed) == (2, 1)
        rows = {row["input"]: row for row in rows_in(part_of(space, "k", tmp_path, None))}
        assert list(rows) == names and [name for name in names if "error" in rows[name]] == [names[1]]
        for number in range(2, 9):
            write_picture(tmp_path / f"crash {number}.png")
        assert codes(go, space, answer_files(space, version, "k", tmp_path))[0] == "native_abort"
