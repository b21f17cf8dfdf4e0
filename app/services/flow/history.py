"""Keep the history of jobs: when they ran, how they ended, where their logs lie, and what they stored."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from app.domain.artifact import ArtifactRecord
from app.domain.job import JobRecord
from app.persistence.repositories import NotFound
from app.services.flow.artifacts import Entry
from app.services.flow.workspace import Workspace
from workers.contracts.errors import ErrorInfo

LOOKED_UP = frozenset({"hub_search", "hub_model", "hub_login"})
"""Kinds of jobs without history: they leave nothing behind and run with every few keystrokes."""

End = Literal["finished", "failed", "cancelled", "crashed", "interrupted"]


class JobHistory:
    """The job history of one driver, with one record per job; a read-only database records nothing."""

    def __init__(self, workspace: Workspace) -> None:
        """Create a history that writes to the workspace's database."""
        self._root = workspace.paths.root
        writes = not workspace.database.read_only
        self._jobs = workspace.repositories.jobs if writes else None
        self._artifacts = workspace.repositories.artifacts if writes else None
        self._open: dict[str, JobRecord] = {}

    def began(self, job_id: str, kind: str, title: str, device: str) -> None:
        """Record that the job runs now, on `device` ("cpu" or "cuda:1")."""
        if kind in LOOKED_UP:
            return
        now = datetime.now(UTC)
        record = JobRecord(job_id, kind, title, "running", device, created_at=now, started_at=now)
        self._open[job_id] = record
        if self._jobs is not None:
            self._jobs.add(record)

    def ended(self, job_id: str, state: End, error: ErrorInfo | None = None, log_path: Path | None = None) -> None:
        """Record how a job ended; jobs that did not begin here are ignored."""
        record = self._open.pop(job_id, None)
        if record is None or self._jobs is None:
            return
        self._jobs.update(
            dataclasses.replace(
                self._jobs.get(job_id),  # its run was recorded meanwhile
                state=state,
                finished_at=datetime.now(UTC),
                log_path=self._relative(log_path),
                error_json=error.model_dump_json() if error else None,
            )
        )

    def stored(self, entry: Entry, kind: str, **made_by: object) -> None:
        """Record that the store has a new entry of this kind, and what made it."""
        if self._artifacts is None:
            return
        facts = json.dumps({**made_by, "versions": entry.versions})
        record = ArtifactRecord(entry.key, kind, entry.sha256, entry.size_bytes, datetime.now(UTC), facts)
        try:
            self._artifacts.get(record.key)
        except NotFound:
            self._artifacts.add(record)
        else:
            self._artifacts.update(record)

    def _relative(self, log_path: Path | None) -> str | None:
        if log_path is None or not log_path.is_relative_to(self._root):
            return None
        return log_path.relative_to(self._root).as_posix()
