"""Which version is exported, where to, and that an old file is never lost."""

import dataclasses
import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from documented import NOW, a_run, variant

from app.domain.project import Project
from app.services.after.exporting import ExportRequest, answers_to, check_writable, export, pick, place, target_of
from app.services.flow.steps import DiskStep, JobError, JobStep, StepResult
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, check_stored, read_facts
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


def test_the_recommended_one_unless_said_otherwise() -> None:
    """Given a recommendation, then that; none, then the original; a name, then that one."""
    assert pick(facts("good"), None, None).id == "good"
    assert pick(facts(), None, None).id == "o"
    assert pick(facts("good"), "o", None).id == "o"


@pytest.mark.parametrize("reason", [None, "", "   ", "short"])
def test_a_regression_needs_a_written_reason(reason: str | None) -> None:
    """Given a regressed version and no sentence why, then it is refused, and the words say what to do."""
    with pytest.raises(JobError) as refused:
        pick(facts(), "bad", reason)
    assert (refused.value.error.code, refused.value.exit_code) == ("regressed", 3)
    assert "--accept-regression" in refused.value.error.hint


def test_a_regression_with_a_reason_is_exported() -> None:
    """Given a reason, then the regressed version is taken."""
    assert pick(facts(), "bad", "It only sorts holiday pictures.").id == "bad"


def test_unknown_and_unmade_versions() -> None:
    """Given an id that is none, or a version that was never made, then words with exit code 3."""
    with pytest.raises(JobError) as refused:
        pick(facts(), "nobody", None)
    assert refused.value.error.code == "unknown_variant"
    known = facts()
    with pytest.raises(JobError) as refused:
        known.model_dir(pick(known, "never made", None))
    assert refused.value.error.code == "variant_not_made"


def test_an_unknown_run(space: Workspace) -> None:
    """Given a run that was never stored, then words that name where the runs are listed."""
    with pytest.raises(JobError) as refused:
        read_facts(space, "nobody")
    assert refused.value.error.code == "unknown_run"
    assert "fettle jobs" in refused.value.error.hint


def test_what_is_gone_from_the_store_is_not_exported(space: Workspace) -> None:
    """Given a store whose folders were removed, then the export is refused before anything is written."""
    known = dataclasses.replace(facts(), store_root=space.paths.store)
    with pytest.raises(JobError) as refused:
        check_stored(space, known, known.variants[1])
    assert refused.value.error.code == "store_damaged"


def test_the_file_is_placed_at_once(tmp_path: Path) -> None:
    """Given an older file of that name, when a new one is placed, then it is the new one, and nothing lies beside it."""
    source, out = tmp_path / "new", tmp_path / ("ü" * 120 + ".zip")
    source.write_bytes(b"new")
    out.write_bytes(b"old")
    place(source, out)
    assert out.read_bytes() == b"new"
    assert {path.name for path in tmp_path.iterdir()} == {"new", out.name}


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "3 bytes are needed"), (errno.EACCES, "Permission"), (errno.EROFS, "Read-only")]
)
def test_the_old_file_stays_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    """Given a disk that is full or may not be written, then words, the old file as it was, and no half file beside it."""
    source, out = tmp_path / "new", tmp_path / "b.zip"
    source.write_bytes(b"new")
    out.write_bytes(b"old")

    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JobError) as refused:
        place(source, out)
    assert refused.value.exit_code == 3
    assert word in refused.value.error.detail
    assert out.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"new", "b.zip"}


def test_an_export_that_is_cancelled_while_it_is_written(tmp_path: Path) -> None:
    """Given a large bundle on its way to its place, when it is cancelled, then the old one is whole and alone there."""
    source, out = tmp_path / "new", tmp_path / "b.zip"
    source.write_bytes(bytes(3 << 20))
    out.write_bytes(b"old")
    asked = itertools.chain([False, False], itertools.repeat(True))
    with pytest.raises(InterruptedError):
        place(source, out, lambda: next(asked))
    assert out.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"new", "b.zip"}


def test_what_is_exported_is_checked_beside_the_event_loop(space: Workspace, tmp_path: Path) -> None:
    """Given an export, once the target is known, then the files of the store are compared in a step of the disk, which says
    what is wrong with them."""
    known = dataclasses.replace(facts(), store_root=space.paths.store)
    flow = export(space, known, ExportRequest("r1", None, "python", tmp_path / "b.zip"))
    assert isinstance(next(flow), JobStep)
    python = DescribedTarget(id="python", title="Python folder", available=True)
    step = flow.send(StepResult(described(python), tmp_path, None, cached=False, seconds=0.0))
    assert isinstance(step, DiskStep)
    with pytest.raises(JobError) as refused:
        step.work(lambda: False)
    assert refused.value.error.code == "store_damaged"


def test_places_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    """Given no folder, a folder in the file's place, or a name that is too long, then words before any work."""
    (tmp_path / "folder.zip").mkdir()
    for out in (tmp_path / "none" / "b.zip", tmp_path / "folder.zip", tmp_path / ("x" * 256)):
        with pytest.raises(JobError) as refused:
            check_writable(out)
        assert refused.value.exit_code == 3
    check_writable(tmp_path / "fine.zip")
    assert not (tmp_path / "fine.zip").exists() and len([*tmp_path.iterdir()]) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has such a folder")
def test_folder_where_nothing_can_be_made_is_refused_at_once() -> None:
    """Given a folder that an administrator may write by its rights and nobody can, Then it is refused before work."""
    with pytest.raises(JobError) as refused:
        check_writable(Path("/proc/b.zip"))
    assert refused.value.error.code == "not_writable"


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


def test_the_first_target_that_works_unless_said_otherwise() -> None:
    """Given one that lacks something and one that works, then the latter is meant; by its id the former says what it lacks."""
    found = described(ABSENT, SHOP)
    assert target_of(found, "") is target_of(found, "shop") is SHOP
    with pytest.raises(JobError) as refused:
        target_of(found, "absent")
    assert (refused.value.exit_code, refused.value.error.hint) == (6, "To install: pip install absent")
    for nothing in (described(), described(ABSENT)):
        with pytest.raises(JobError) as refused:
            target_of(nothing, "")
        assert (refused.value.exit_code, refused.value.error.code) == (3, "unknown_target")


def test_answers_fit_the_questions() -> None:
    """Given a target's questions, then each has its answer, the needed ones have words, and nothing else is said."""
    assert answers_to(SHOP, {"name": " Mira "}) == {"name": "Mira", "town": ""}
    for wrong in ({}, {"name": " "}, {"name": "Mira", "color": "red"}):
        with pytest.raises(JobError) as refused:
            answers_to(SHOP, wrong)
        assert refused.value.error.code == "answer_needed"
