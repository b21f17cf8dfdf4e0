"""Provide exports and releases of the finished run of the sample, with nearly empty bundles."""

import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from finished_run import finished_folder
from flows import go
from made_once import made_once
from spaces import opened_space

from app.domain.job import ExportRecord
from app.services.after.watching import judged_change
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.release.record import Release
from app.services.release.releasing import release
from workers.contracts.folder import sha256_file


def compared_folder(root: Path) -> Path:
    """Make a data folder of the finished run below `root` in which v1 and v2 are compared with each other."""
    shutil.copytree(made_once("compared versions", _compare) / "data", root / "data")
    return root


def _compare(root: Path) -> None:
    with opened_space(finished_folder(root) / "data") as space:
        facts = read_facts(space, "r1")
        _, *versions = facts.variants
        for before, after in (versions, versions[::-1]):
            go(space, judged_change(space, (facts, before), (facts, after)))


def exported(space: Workspace, folder: Path, variant_id: str, content: str) -> ExportRecord:
    """Return an export from the history; its content is arbitrary."""
    path = folder / f"{variant_id}-{content}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.txt", content)
    record = ExportRecord(
        f"e-{variant_id}-{content}", "r1", variant_id, "python", str(path), sha256_file(path), path.stat().st_size,
        datetime.now(UTC), json.dumps({"selftest": [], "signed_by": "ab"}),
    )  # fmt: skip
    space.repositories.exports.add(record)
    return record


def released(space: Workspace, record: ExportRecord) -> Release:
    return go(space, release(space, read_facts(space, "r1"), export=record))[0]


def kept(space: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in space.paths.releases.iterdir() if path.is_file()}
