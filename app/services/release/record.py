"""Store a project's releases, one record per number, and which of them is current."""

from typing import Annotated

from pydantic import Field

from app.domain.record import FileName, Moment, Owner, RecordKind
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.after.watching import Change, Figures
from workers.contracts.base import Frozen
from workers.contracts.text import Text


class Release(Frozen, extra="ignore"):
    """One released bundle; releases are ordered by `number` from 1 on, since clocks may go back.

    `sha256` and `suffix` give the place of its bundle, which is removed at `pruned_at`. `signed_by` is a fingerprint,
    "" if unsigned. `switch` is the command that gives it to a running service, "" without one (see `TargetSpec`). Notes
    written by versions before 0.2 are ignored.
    """

    number: int
    run_id: str
    variant_id: str
    title: Text
    target: str
    sha256: FileName
    size_bytes: int
    released_at: Moment
    suffix: Annotated[str, Field(pattern=r"^[.\w]*$")] = ".zip"
    signed_by: str = ""
    switch: str = ""
    figures: Figures = Figures()
    change: Change | None = None
    pruned_at: Moment | None = None

    @property
    def file_name(self) -> str:
        """Return the name of its bundle in the releases' folder."""
        return f"{self.sha256}{self.suffix}"

    @property
    def switch_command(self) -> str:
        """Return the command that gives it to a running service by hand, "" without a service."""
        return self.switch.format(folder="FOLDER") if self.switch else ""


class Current(Frozen):
    """The release in use and the one before it, which are never pruned."""

    number: int
    previous: int | None = None


RELEASE = RecordKind("release", Owner.PROJECT, Release)
CURRENT = RecordKind("current-release", Owner.PROJECT, Current)


def read_releases(repositories: Repositories, project_id: str) -> tuple[Release, ...]:
    """Return the releases, newest first."""
    return tuple(reversed(repositories.records.items(RELEASE, project_id).values()))


def number_of(repositories: Repositories, project_id: str, sha256: str) -> int | None:
    """Return which release holds this bundle; None for none."""
    return next((one.number for one in read_releases(repositories, project_id) if one.sha256 == sha256), None)


def read_current(repositories: Repositories, project_id: str) -> Current | None:
    """Return the current release, None before the first one."""
    return repositories.records.get(CURRENT, project_id)


def write_release(repositories: Repositories, project_id: str, release: Release) -> None:
    """Store a release under its number."""
    repositories.records.put(RELEASE, project_id, release, f"{release.number:08d}")


def figures_of(variant: Variant) -> Figures:
    """Return the figures measured of a version."""
    measured, judged = variant.measurement, variant.judgement
    return Figures(
        latency_p50_ms=measured.latency_p50_ms,
        throughput_per_s=measured.throughput_per_s,
        size_bytes=variant.size_bytes,
        peak_memory_bytes=measured.peak_memory_bytes,
        accuracy=judged.accuracy if judged else None,
    )
