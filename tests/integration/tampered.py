"""A bundle as `fettle verify` looks at it, without its own process."""

import shutil
from pathlib import Path

from recording import RecordingContext

from workers.contracts.bundles import VerifyParams, VerifyResult
from workers.export.verify import verify
from workers.registry import targets


def check(bundle: Path, tmp_path: Path) -> VerifyResult:
    work_dir = tmp_path / "work"
    shutil.rmtree(work_dir, ignore_errors=True)
    work_dir.mkdir()
    return verify(VerifyParams(bundle=str(bundle)), RecordingContext(work_dir), targets())


def refusals(result: VerifyResult) -> set[str]:
    """What it is refused for."""
    assert not result.ok
    return {finding.what for finding in result.findings if finding.level == "danger"}
