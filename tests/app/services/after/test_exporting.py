"""Test exports: the version, the place, the records, and the verification of a file."""

import dataclasses
import errno
import itertools
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from documented import NOW, a_run, variant
from finished_run import finished_space
from flows import go, refusal
from play import INFO

from app.domain.project import Project
from app.domain.variant import Variant
from app.services.after.bundles import verify
from app.services.after.exporting import (
    ExportRequest,
    answers_to,
    card_facts,
    check_writable,
    export,
    pick,
    place,
    target_of,
)
from app.services.flow.steps import DiskStep, JobStep, StepResult
from app.services.flow.workspace import Workspace
from app.services.records.decisions import read_decisions
from app.services.records.facts import RunFacts, check_stored, read_facts
from app.services.release.documents import decision_words
from workers.contracts.bundles import ExportResult, VerifyParams
from workers.contracts.decisions import DECISIONS_FILE
from workers.contracts.folder import sha256_file
from workers.contracts.jobs import DescribeResult
from workers.contracts.specs import DescribedTarget, DeviceFacts, Question

PROJECT = Project("p", "Model", "/m.onnx", "ab", NOW, NOW)


def facts(recommended: str | None = None) -> RunFacts:
    variants = (
        variant("o", 0, is_baseline=True, artifact_key="k0"),
        variant("good", 1, artifact_key="k1"),
        variant("bad", 2, "regressed", artifact_key="k2"),
        variant("never made", 3, None, artifact_key=None),
    )
    run = a_run(recommended_variant_id=recommended)
    return RunFacts(PROJECT, run, variants, Path("/store/k0/model"), Path("/store/data"), Path("/store"))


def test_pick_returns_the_requested_or_recommended_version() -> None:
    """Given a recommendation, Then that version; without one, the original; with an id, that version."""
    assert pick(facts("good"), None, None).id == "good"
    assert pick(facts(), None, None).id == "o"
    assert pick(facts("good"), "o", None).id == "o"


@pytest.mark.parametrize(("computer", "processor"), [("", "here"), ("pi", "Cortex-A76")])
def test_card_names_the_processor_that_measured(computer: str, processor: str) -> None:
    """Given a run, When its version is exported, Then the card states this processor, or that of the other computer."""
    device = DeviceFacts(processor="Cortex-A76", cores=4, memory_bytes=1)
    run = dataclasses.replace(facts().run, goal=dataclasses.replace(facts().run.goal, computer=computer))
    project = dataclasses.replace(PROJECT, info_json=INFO.model_dump_json())
    elsewhere = dataclasses.replace(facts("good"), project=project, run=run, device=device)
    here = device.model_copy(update={"processor": "here"})
    made = card_facts(elsewhere, elsewhere.variants[1], ExportRequest(out=Path("x.zip")), here)
    assert made.device.processor == processor


@pytest.mark.parametrize("reason", [None, "", "   ", "short"])
def test_pick_of_a_regression_needs_a_reason(reason: str | None) -> None:
    """Given a regressed version and no sentence as a reason, Then it is refused, and the hint names the option."""
    refused = refusal(pick, facts(), "bad", reason)
    assert (refused.error.code, refused.exit_code) == ("regressed", 3)
    assert "--accept-regression" in refused.error.by_command


def test_pick_of_a_regression_with_a_reason_returns_it() -> None:
    """Given a reason, Then the regressed version is returned."""
    assert pick(facts(), "bad", "It only sorts holiday pictures.").id == "bad"


def test_pick_of_unknown_and_unmade_versions_is_refused() -> None:
    """Given an unknown id, or a version that was never made, Then it is refused."""
    assert refusal(pick, facts(), "nobody", None).error.code == "unknown_variant"
    known = facts()
    assert refusal(known.model_dir, pick(known, "never made", None)).error.code == "variant_not_made"


def test_read_facts_of_an_unknown_run_is_refused(space: Workspace) -> None:
    """Given a run that was never stored, Then the hint names the list of runs."""
    refused = refusal(read_facts, space, "nobody")
    assert refused.error.code == "unknown_run"
    assert "fettle jobs" in refused.error.hint


def test_check_stored_refuses_missing_folders(space: Workspace) -> None:
    """Given a store without the run's folders, Then the export is refused before anything is written."""
    known = dataclasses.replace(facts(), store_root=space.paths.store)
    assert refusal(check_stored, space, known, known.variants[1]).error.code == "store_damaged"


def test_place_replaces_the_old_file(tmp_path: Path) -> None:
    """Given an older file of that name, When a new one is placed, Then only the new one is there."""
    source, out = tmp_path / "new", tmp_path / ("ü" * 120 + ".zip")
    source.write_bytes(b"new")
    out.write_bytes(b"old")
    place(source, out)
    assert out.read_bytes() == b"new"
    assert {path.name for path in tmp_path.iterdir()} == {"new", out.name}


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "3 bytes are needed"), (errno.EACCES, "Permission"), (errno.EROFS, "Read-only")]
)
def test_place_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    """Given a disk that is full or read-only, Then the error names it, the old file is unchanged, and nothing partial
    is left."""
    source, out = tmp_path / "new", tmp_path / "b.zip"
    source.write_bytes(b"new")
    out.write_bytes(b"old")

    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    refused = refusal(place, source, out)
    assert refused.exit_code == 3
    assert word in refused.error.detail
    assert out.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"new", "b.zip"}


def test_place_that_is_cancelled_keeps_the_old_file(tmp_path: Path) -> None:
    """Given a large bundle on its way to its place, When it is cancelled, Then the old file is unchanged and nothing
    partial is left."""
    source, out = tmp_path / "new", tmp_path / "b.zip"
    source.write_bytes(bytes(3 << 20))
    out.write_bytes(b"old")
    requested = itertools.chain([False, False], itertools.repeat(True))
    with pytest.raises(InterruptedError):
        place(source, out, lambda: next(requested))
    assert out.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"new", "b.zip"}


def test_export_checks_the_store_in_a_disk_step(space: Workspace, tmp_path: Path) -> None:
    """Given an export whose target is known, Then the files of the store are compared in a disk step, which raises the
    error."""
    known = dataclasses.replace(facts(), store_root=space.paths.store)
    flow = export(space, known, ExportRequest(None, "python", tmp_path / "b.zip"))
    assert isinstance(next(flow), JobStep)
    python = DescribedTarget(id="python", title="Python folder", available=True)
    step = flow.send(StepResult(described(python), tmp_path))
    assert isinstance(step, DiskStep)
    assert refusal(step.work, lambda: False).error.code == "store_damaged"


def test_check_writable_refuses_impossible_places(tmp_path: Path) -> None:
    """Given no folder, a folder in the file's place, or a name that is too long, Then the place is refused before any
    work."""
    (tmp_path / "folder.zip").mkdir()
    for out in (tmp_path / "none" / "b.zip", tmp_path / "folder.zip", tmp_path / ("x" * 256)):
        assert refusal(check_writable, out).exit_code == 3
    check_writable(tmp_path / "fine.zip")
    assert not (tmp_path / "fine.zip").exists() and len([*tmp_path.iterdir()]) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has such a folder")
def test_check_writable_refuses_a_virtual_folder() -> None:
    """Given a folder that an administrator may write by its rights and nobody can, Then it is refused before any
    work."""
    assert refusal(check_writable, Path("/proc/b.zip")).error.code == "not_writable"


def described(*targets: DescribedTarget) -> DescribeResult:
    device = DeviceFacts(processor="p", cores=2, memory_bytes=1 << 30)
    return DescribeResult(device=device, devices=(), runtimes=(), techniques=(), targets=targets, versions={})


ABSENT = DescribedTarget(id="absent", title="Absent", available=False, hint="pip install absent")
SHOP = DescribedTarget(
    id="shop",
    title="Shop",
    available=True,
    questions=(Question(id="name", title="Whose?", needed=True), Question(id="town", title="Where?")),
)


def test_target_of_returns_the_requested_or_first_available_target() -> None:
    """Given an unavailable and an available target, Then the latter is the default, and the former is refused with its
    hint."""
    found = described(ABSENT, SHOP)
    assert target_of(found, "") is target_of(found, "shop") is SHOP
    refused = refusal(target_of, found, "absent")
    assert (refused.exit_code, refused.error.hint) == (6, "To install: pip install absent")
    for nothing in (described(), described(ABSENT)):
        refused = refusal(target_of, nothing, "")
        assert (refused.exit_code, refused.error.code) == (3, "unknown_target")


def test_answers_to_accepts_only_answers_to_the_questions() -> None:
    """Given a target's questions, Then each has its answer, required ones are not empty, and other answers are
    refused."""
    assert answers_to(SHOP, {"name": " Mira "}) == {"name": "Mira", "town": ""}
    for wrong in ({}, {"name": " "}, {"name": "Mira", "color": "red"}):
        assert refusal(answers_to, SHOP, wrong).error.code == "answer_needed"


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Workspace]:
    """Yield a run with a faster engine whose 48 examples are too few to prove it, and a pruned version that is
    worse."""
    yield from finished_space(tmp_path / "made")


def written(space: Workspace, variant: Variant, out: Path, reason: str | None = None) -> Path:
    go(space, export(space, read_facts(space, "r1"), ExportRequest(variant.id, "python", out, reason)))
    return out


def made_at_once(folder: Path) -> DiskStep:
    """Return a step that writes some bytes as a bundle, where only the record of the export is looked at."""
    folder.mkdir()
    (folder / "bundle.zip").write_bytes(b"bundle")
    return DiskStep(lambda stopped: StepResult(ExportResult(sha256="0" * 64, size_bytes=6), folder))


def decided(space: Workspace) -> list[tuple[str, str]]:
    return [(entry.kind, entry.why) for entry in read_decisions(space.repositories, "p1").entries]


@pytest.mark.whole
def test_export_records_unproven_versions_once_and_regressions_each_time(
    finished: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a version that is not proven, When it is exported twice, Then the log has one entry and both bundles are
    equal; a worse version has an entry with a reason for each export, the original none."""
    original, unproven, worse = read_facts(finished, "r1").variants[:3]
    assert [one.judgement.verdict for one in (unproven, worse) if one.judgement] == ["not_enough_data", "regressed"]
    first, second = (written(finished, unproven, tmp_path / f"{number}.zip") for number in (1, 2))
    assert decided(finished) == [("exported_unproven", "")]
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as bundle:
        assert json.loads(bundle.read(DECISIONS_FILE))["kind"] == "exported_unproven"
    (entry,) = read_decisions(finished.repositories, "p1").entries
    assert decision_words(entry) == f"exported “{unproven.title}”, which was not proven to answer alike"
    monkeypatch.setattr("app.services.after.exporting._export_step", lambda *_: made_at_once(tmp_path / "job"))
    written(finished, original, tmp_path / "0.zip")
    assert len(decided(finished)) == 1
    why = "It only sorts holiday pictures."
    for number in (3, 4):
        written(finished, worse, tmp_path / f"{number}.zip", why)
    assert decided(finished)[1:] == [("exported_anyway", why)] * 2


def consent(exported: list[str], bundle: Path, *, allow_code: bool = False) -> bool:
    """Return whether the job may run programs if these hashes are in the history of exports."""
    records = [SimpleNamespace(sha256=digest) for digest in exported]
    workspace: Any = SimpleNamespace(repositories=SimpleNamespace(exports=SimpleNamespace(list=lambda: records)))
    flow = verify(workspace, bundle, allow_code=allow_code)
    step = next(flow)
    while isinstance(step, DiskStep):
        step = flow.send(step.work(lambda: False))
    assert isinstance(step, JobStep) and isinstance(step.params, VerifyParams)
    return step.params.allow_code


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"bundle")
    return path


def test_verify_own_export_runs_its_program(bundle: Path) -> None:
    assert consent(["00", sha256_file(bundle)], bundle)


def test_verify_changed_or_foreign_bundle_needs_consent(bundle: Path, tmp_path: Path) -> None:
    own = sha256_file(bundle)
    bundle.write_bytes(b"changed")
    assert not consent([own], bundle)
    assert not consent([], bundle)
    assert not consent([own], tmp_path)  # a folder has no hash


def test_verify_with_consent_runs_the_program(bundle: Path) -> None:
    assert consent([], bundle, allow_code=True)
