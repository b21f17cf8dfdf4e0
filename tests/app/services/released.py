"""Provide exports and releases of the finished run of the sample, with nearly empty bundles."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from flows import go

from app.domain.job import ExportRecord
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.release.record import Release
from app.services.release.releasing import release
from workers.contracts.folder import sha256_file


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
