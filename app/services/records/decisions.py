"""Keep a project's log of decisions: what was decided, by whom and when, each entry linked to the last by its hash.

Services add an entry where a decision is made: an export against the verdict, a raised limit, changed labels, releases.
The log is shown with the releases and goes into each bundle.
"""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.decisions import BEFORE_THE_FIRST, Decision, DecisionKind, first_broken
from workers.contracts.jobs import DataParams


class DecisionsEnd(Frozen):
    """Number of entries and last hash of a log when it was last written, which reveal a truncated log."""

    count: int
    sha256: str


DECISION = RecordKind("decision", Owner.PROJECT, Decision)
END = RecordKind("decisions-end", Owner.PROJECT, DecisionsEnd)


@dataclass(frozen=True)
class DecisionLog:
    """A project's decisions; `broken_at` is the number of the first changed, moved or removed entry, else None."""

    entries: tuple[Decision, ...]
    broken_at: int | None = None


def read_decisions(repositories: Repositories, project_id: str) -> DecisionLog:
    """Return all decisions, oldest first, and whether the log is intact."""
    entries = tuple(repositories.records.items(DECISION, project_id).values())
    broken = first_broken(entries)
    end = repositories.records.get(END, project_id)
    if broken is None and end is not None and len(entries) < end.count:
        broken = len(entries) + 1
    if broken is None and (end or entries) and (entries[-1].sha256 if entries else "") != (end.sha256 if end else ""):
        broken = len(entries)
    return DecisionLog(entries, broken)


def planned_decision(
    repositories: Repositories,
    project_id: str,
    kind: DecisionKind,
    facts: Mapping[str, JsonValue],
    *,
    run_id: str = "",
    variant_id: str = "",
    why: str = "",
) -> Decision:
    """Return the next entry without adding it, because a bundle contains a decision before it is carried out."""
    entry = Decision(
        number=1,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        who=_account(),
        kind=kind,
        run_id=run_id,
        variant_id=variant_id,
        facts=dict(facts),
        why=why,
    )
    return _at_the_end(repositories, project_id, entry)


def record_decision(repositories: Repositories, project_id: str, entry: Decision) -> Decision:
    """Add a planned entry after those that were added meanwhile.

    An entry after a broken part is linked to the present end, and the log stays broken.
    """
    with repositories.together():
        entry = _at_the_end(repositories, project_id, entry)
        repositories.records.put(DECISION, project_id, entry, f"{entry.number:08d}")
        repositories.records.put(END, project_id, DecisionsEnd(count=entry.number, sha256=entry.sha256))
    return entry


def _at_the_end(repositories: Repositories, project_id: str, entry: Decision) -> Decision:
    end = repositories.records.get(END, project_id)
    place = {"number": (end.count if end else 0) + 1, "previous": end.sha256 if end else BEFORE_THE_FIRST}
    return entry.model_copy(update=place).sealed()


def record_label_changes(repositories: Repositories, project_id: str, before: DataParams, after: DataParams) -> None:
    """Add a decision if a person relabeled or left out examples of the same data."""
    if before.path != after.path:
        before = DataParams(model_dir="")
    changed = {name: item for name, item in after.relabeled.items() if before.relabeled.get(name) != item}
    matched = {name for name, label in after.label_map.items() if before.label_map.get(name) != label}
    counts: dict[str, JsonValue] = {
        "relabeled": len(changed),
        "labels_put_back": len(set(before.relabeled) - set(after.relabeled)),
        "names_matched": len(matched),
        "left_out": len(set(after.left_out) - set(before.left_out)),
        "put_back": len(set(before.left_out) - set(after.left_out)),
    }
    if any(counts.values()):
        record_decision(repositories, project_id, planned_decision(repositories, project_id, "labels_changed", counts))


def _account() -> str:
    """Return the name of the account that runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # some containers have accounts without a name
        return "unknown"
