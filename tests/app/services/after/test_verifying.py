"""A bundle of this installation needs no consent for the program in it; a stranger's does."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.services.after.verifying import verify
from app.services.flow.steps import DiskStep, JobStep
from workers.contracts.bundles import VerifyParams
from workers.contracts.folder import sha256_file


def consent(exported: list[str], bundle: Path, *, allow_code: bool = False) -> bool:
    """Return whether the job is told to run programs, where these hashes are in the history of exports."""
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
    assert not consent([own], tmp_path)  # a folder has no hash of its own


def test_verify_with_consent_runs_the_program(bundle: Path) -> None:
    assert consent([], bundle, allow_code=True)
