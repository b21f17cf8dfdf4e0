"""Test that only the signing job reads the key, and that a decision is recorded if its export succeeds."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import finished_space
from flows import go

from app.paths import DataPaths
from app.services.after.exporting import ExportRequest, export
from app.services.flow.steps import Flow, JobError, JobStep
from app.services.flow.workspace import Workspace
from app.services.records.decisions import read_decisions
from app.services.records.facts import read_facts
from app.signing_key import fingerprint, make_own_key
from workers.contracts.decisions import DECISIONS_FILE
from workers.contracts.error_info import ErrorInfo
from workers.pipeline.trust import check_decisions, check_signature

pytestmark = pytest.mark.whole

FAILED = JobError(ErrorInfo(code="selftest_failed", title="t", detail="d", hint="h"), 3)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").mkdir()
    return make_own_key(DataPaths(tmp_path / "key"))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """A finished run with a faster version that is not proven, and one that is worse."""
    yield from finished_space(tmp_path / "made")


def watched(flow: Flow[Any], steps: list[JobStep[Any]], fails: str = "") -> Flow[Any]:
    """Pass the steps of a flow on and record its jobs; the job of the kind `fails` is not run and fails."""
    step = next(flow)
    while True:
        try:
            if isinstance(step, JobStep):
                steps.append(step)
            fail = isinstance(step, JobStep) and step.kind == fails
            step = flow.throw(FAILED) if fail else flow.send((yield step))
        except StopIteration as ended:
            return ended.value


def request(space: Workspace, version: int, out: Path, key: Path | None = None, why: str | None = None) -> Flow[Any]:
    facts = read_facts(space, "r1")
    return export(space, facts, ExportRequest(facts.variants[version].id, "python", out, why, sign_key=key))


def test_signed_export_of_a_worse_version_keeps_the_key_apart_and_tells_the_decision(
    space: Workspace, key: Path, tmp_path: Path
) -> None:
    """Given a key and a worse version with a reason, When it is exported, Then the job that runs the model neither reads
    nor names the key; log and bundle have the same entry, and removing it from the bundle is detected."""
    out, folder = tmp_path / "b.zip", tmp_path / "unpacked"
    steps: list[JobStep[Any]] = []
    exported = go(space, watched(request(space, 2, out, key, "It only sorts holiday pictures."), steps))

    assert [step.kind for step in steps] == ["describe", "sign", "export", "sign"]
    assert steps[1].read_paths == (key,)
    assert steps[3].read_paths[0] == key and [path.name for path in steps[3].read_paths[1:]] == ["bundle.zip"]
    for step in steps:
        if step.kind != "sign":
            assert key not in step.read_paths and str(key) not in step.params.model_dump_json()
    assert exported.result.signed_by == fingerprint(key)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(folder)
    signature = check_signature(folder)
    assert (signature.signed_by, signature.problems, signature.is_checked) == (fingerprint(key), (), True)
    assert space.repositories.exports.list()[0].signed_by == fingerprint(key)

    (entry,) = read_decisions(space.repositories, "p1").entries
    log = folder / DECISIONS_FILE
    assert json.loads(log.read_text()) == entry.model_dump(mode="json")
    assert check_decisions(folder) == []
    log.write_text("")
    assert check_decisions(folder) == [f"{DECISIONS_FILE} was changed: its last entries were cut off or added."]
    log.unlink()
    assert check_decisions(folder) == [f"{DECISIONS_FILE} is missing."]


@pytest.mark.parametrize("fails", ["export", "sign"])
@pytest.mark.parametrize("version", [1, 2])
def test_export_that_fails_records_no_decision(
    space: Workspace, key: Path, tmp_path: Path, version: int, fails: str
) -> None:
    """Given a version that is not proven or worse, When its export fails, Then the log has no entry."""
    flow = request(space, version, tmp_path / "b.zip", key, "It only sorts holiday pictures.")
    with pytest.raises(JobError):
        go(space, watched(flow, [], fails))
    assert read_decisions(space.repositories, "p1").entries == ()
