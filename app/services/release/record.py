"""What is kept of a project's releases: one record for each number, and which of them is current."""

from datetime import datetime

from app.domain.record import Owner, RecordKind
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.after.watching import Changed
from workers.contracts.base import Frozen
from workers.contracts.specs import Judgement


class Figures(Frozen):
    """What was measured of a released version: times in ms, sizes in bytes, accuracy 0..1; None where it was not."""

    latency_p50_ms: float | None = None
    throughput_per_s: float | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None
    accuracy: float | None = None


class Change(Frozen):
    """A release beside the one that was current before it, `against`: answers by the judge of all, figures of both.

    `judgement` is None where `reason` says why. `in_turn`: both were timed side by side, in one run. `keys` are those
    of the store for the examples, the answers before and after.
    """

    against: int
    before: Figures
    judgement: Judgement | None = None
    reason: str = ""
    libraries: tuple[Changed, ...] = ()
    in_turn: bool = False
    keys: tuple[str, str, str] = ("", "", "")


class Release(Frozen, extra="ignore"):
    """One released bundle. `number` counts from 1 and is what orders releases: a clock may go back.

    `sha256` and `suffix` say where its bundle is kept; after `pruned_at` it is not. `signed_by` is a fingerprint, ""
    for none. `switch` is the command that gives it to a running service, "" where nothing runs (see `TargetSpec`).
    Notes that versions before 0.2 wrote are ignored.
    """

    number: int
    run_id: str
    variant_id: str
    title: str
    target: str
    sha256: str
    size_bytes: int
    released_at: datetime
    suffix: str = ".zip"
    signed_by: str = ""
    switch: str = ""
    figures: Figures = Figures()
    change: Change | None = None
    pruned_at: datetime | None = None

    @property
    def file_name(self) -> str:
        """What its bundle is called where it is kept."""
        return f"{self.sha256}{self.suffix}"

    @property
    def switch_command(self) -> str:
        """Return the command that gives it to a running service by hand, "" where nothing runs."""
        return self.switch.format(folder="FOLDER") if self.switch else ""


class Current(Frozen):
    """The release that is in use, and the one that was before: both are never pruned."""

    number: int
    previous: int | None = None


RELEASE = RecordKind("release", Owner.PROJECT, Release)
CURRENT = RecordKind("current-release", Owner.PROJECT, Current)


def read_releases(repositories: Repositories, project_id: str) -> tuple[Release, ...]:
    """The newest first."""
    return tuple(reversed(repositories.records.items(RELEASE, project_id).values()))


def read_current(repositories: Repositories, project_id: str) -> Current | None:
    """None before the first release."""
    return repositories.records.get(CURRENT, project_id)


def write_release(repositories: Repositories, project_id: str, release: Release) -> None:
    """Keep it under its number."""
    repositories.records.put(RELEASE, project_id, release, f"{release.number:08d}")


def figures_of(variant: Variant) -> Figures:
    """What was measured of it."""
    measured, judged = variant.measurement, variant.judgement
    return Figures(
        latency_p50_ms=measured.latency_p50_ms,
        throughput_per_s=measured.throughput_per_s,
        size_bytes=variant.size_bytes,
        peak_memory_bytes=measured.peak_memory_bytes,
        accuracy=judged.accuracy if judged else None,
    )
