"""Make a release, roll back to an earlier one, and remove the bundles of old ones.

The bundle is stored first, then one transaction records it. If the program is killed in between, earlier releases stay
intact.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from app.domain.job import ExportRecord
from app.domain.project import Project
from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.after.exporting import ExportRequest, Written, check_writable, pick, place, version_of, write_tested
from app.services.after.watching import Change, judged_change
from app.services.flow.background import Stopped
from app.services.flow.steps import DiskStep, Flow, JobError, Refused
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.records.decisions import planned_decision, record_decision
from app.services.records.facts import RunFacts, read_facts
from app.services.release.keeping import bring, drop, has_digest, settle
from app.services.release.record import (
    CURRENT,
    Current,
    Release,
    figures_of,
    read_current,
    read_releases,
    write_release,
)  # fmt: skip
from workers.contracts.decisions import Decision, DecisionKind
from workers.contracts.translation import _
from workers.contracts.wording import day

FIRST_TARGET = ""
"""Id that means the first available kind of bundle."""

RECOMMENDED = ExportRequest()


def release(
    space: Workspace, facts: RunFacts, request: ExportRequest = RECOMMENDED, export: ExportRecord | None = None
) -> Flow[tuple[Release, Path]]:
    """Store the bundle of a version, compare it with the current release, make it the current one, and return both.

    After an error, earlier releases are unchanged.

    Args:
        space: Store, database and processes.
        facts: The finished run.
        request: The version and the kind of bundle. An intact bundle of the same version that was exported before is
            reused, unless the request has a key to sign with.
        export: Releases just this bundle.

    Raises:
        JobError: There is nothing new to release, or the bundle cannot be written or stored.
    """
    bundle, written = (yield from _bundle(space, facts, request)) if export is None else (export, None)
    variant = version_of(facts, bundle.variant_id)
    path = Path(bundle.path) if written is None else written.path
    try:
        _check_new(space, facts.project.id, bundle)
        change = yield from _change(space, facts, variant)
        machine = yield from describe()
        target = next((row for row in machine.targets if row.id == bundle.target), None)
        part = yield DiskStep(lambda stopped: bring(space.paths, path, bundle.sha256, stopped))
    finally:
        if written is not None:
            written.forget()
    made = Release(
        number=0,
        run_id=facts.run.id,
        variant_id=variant.id,
        title=variant.title,
        target=bundle.target,
        sha256=bundle.sha256,
        size_bytes=bundle.size_bytes,
        released_at=datetime.now(UTC),
        suffix=target.suffix if target is not None else ".zip",
        signed_by=bundle.signed_by,
        switch=target.switch if target is not None else "",
        figures=figures_of(variant),
        change=change,
    )
    made = _put(space, facts, made, part, (bundle, written.decision) if written is not None else None)
    return made, space.paths.releases / made.file_name


def _bundle(space: Workspace, facts: RunFacts, request: ExportRequest) -> Flow[tuple[ExportRecord, Written | None]]:
    """Return an intact earlier export of the version, else a new one with its record for the release's place."""
    variant = pick(facts, request.variant_id, request.override_reason)
    current = _current_release(space, facts.project.id)
    target = request.target or (current.target if current is not None else FIRST_TARGET)
    exports = [one for one in space.repositories.exports.list(facts.run.id) if one.variant_id == variant.id]
    fitting = [one for one in exports if target in (FIRST_TARGET, one.target) and request.sign_key is None]
    earlier: ExportRecord | None = yield DiskStep(partial(_latest_whole, fitting))
    if earlier is not None:
        return earlier, None
    written = yield from write_tested(space, facts, replace(request, target=target))
    return written.record(space.paths.releases / f"{written.done.result.sha256}{written.target.suffix}"), written


def _latest_whole(exports: list[ExportRecord], stopped: Stopped) -> ExportRecord | None:
    """Return the newest export whose file is intact, None without one."""
    latest = sorted(exports, key=lambda one: one.created_at, reverse=True)
    return next((one for one in latest if has_digest(Path(one.path), one.sha256, stopped)), None)


def _check_new(space: Workspace, project_id: str, bundle: ExportRecord) -> None:
    current = _current_release(space, project_id)
    if current is not None and current.sha256 == bundle.sha256:
        raise Refused(
            "already_released",
            "This bundle is released already",
            _("It is release {0}, which is the current one. Nothing was changed.").format(current.number),
            "Release another version, or export this one anew.",
        )


def _change(space: Workspace, facts: RunFacts, variant: Variant) -> Flow[Change | None]:
    """Return the changes since the current release, None if there is none."""
    current = _current_release(space, facts.project.id)
    if current is None:
        return None
    try:
        before = read_facts(space, current.run_id)
        other = version_of(before, current.variant_id)
    except JobError as error:
        return Change(against=current.number, before=current.figures, reason=error.error.detail)
    change = yield from judged_change(space, (before, other), (facts, variant))
    in_turn = current.run_id == facts.run.id and other.is_side_by_side and variant.is_side_by_side
    return change.model_copy(update={"against": current.number, "before": current.figures, "in_turn": in_turn})


def _put(
    space: Workspace, facts: RunFacts, made: Release, part: Path, new: tuple[ExportRecord, Decision | None] | None
) -> Release:
    """Move the bundle to its place, then record it in one transaction, with the export and decision of a `new` one."""
    repositories, project_id = space.repositories, facts.project.id
    kept = space.paths.releases / made.file_name
    was_there = kept.exists()
    try:
        settle(part, kept)
        with repositories.together():
            current, known = read_current(repositories, project_id), read_releases(repositories, project_id)
            last = max([one.number for one in known] + ([current.number] if current else []), default=0)
            made = made.model_copy(update={"number": last + 1})
            write_release(repositories, project_id, made)
            before = current.number if current is not None else None
            repositories.records.put(CURRENT, project_id, Current(number=made.number, previous=before))
            if new is not None:
                record, decision = new
                if decision is not None:
                    record_decision(repositories, project_id, decision)
                repositories.exports.add(record)
            _note(space, project_id, "released", made, before)
    except BaseException:
        if not was_there:
            drop(kept)
        raise
    return made


def rollback(space: Workspace, project_id: str, number: int) -> Flow[tuple[Release, Path]]:
    """Make another release the current one; its bundle must exist unchanged.

    After an error nothing has changed.

    Raises:
        JobError: (exit code 3) There is no such release, or its bundle is missing or damaged.
    """
    wanted = find_release(space, project_id, number)
    current = read_current(space.repositories, project_id)
    if current is not None and current.number == number:
        raise Refused(
            "is_current",
            _("Release {0} is the current one").format(number),
            "There is nothing to go back to. Nothing was changed.",
            "Name another release; 'fettle releases' lists them.",
        )
    bundle = yield from stored_bundle(space, wanted)
    repositories, before = space.repositories, current.number if current is not None else None
    with repositories.together():
        repositories.records.put(CURRENT, project_id, Current(number=number, previous=before))
        is_back = before is not None and number < before
        _note(space, project_id, "rolled_back" if is_back else "promoted", wanted, before)
    return wanted, bundle


def stored_bundle(space: Workspace, wanted: Release) -> Flow[Path]:
    """Return a release's bundle after checking its hash; raise `JobError` if it is removed, missing or damaged."""
    bundle = space.paths.releases / wanted.file_name
    if wanted.pruned_at is not None:
        raise Refused(
            "release_pruned",
            _("The bundle of release {0} was removed").format(wanted.number),
            _("That was done on {0} to make room. Nothing was changed.").format(day(wanted.pruned_at)),
            "Release its version again; it gets a new number.",
        )
    is_whole = yield DiskStep(lambda stopped: has_digest(bundle, wanted.sha256, stopped))
    if not is_whole:
        raise Refused(
            "release_damaged",
            _("The bundle of release {0} is not as it was").format(wanted.number),
            _("{0} is gone or was changed since; it is not used. The current release stays.").format(bundle),
            "Put the file back from a copy, or release its version again.",
        )
    return bundle


def prune(space: Workspace, project_id: str, keep: int) -> tuple[Release, ...]:
    """Remove the bundles of all but the newest `keep` releases, the current and the previous one.

    Returns:
        The releases whose bundles were removed; their history stays.
    """
    repositories = space.repositories
    old = old_releases(read_releases(repositories, project_id), read_current(repositories, project_id), keep)
    if not old:
        return ()
    with repositories.together():
        for one in old:
            write_release(repositories, project_id, one.model_copy(update={"pruned_at": datetime.now(UTC)}))
        facts: dict[str, JsonValue] = {"releases": [one.number for one in reversed(old)]}
        record_decision(repositories, project_id, planned_decision(repositories, project_id, "pruned", facts))
    drop_unused(space, old)
    return old


def drop_unused(space: Workspace, releases: Sequence[Release]) -> None:
    """Remove the bundles of these releases unless another release of any project uses them."""
    repositories = space.repositories
    wanted = {
        one.file_name
        for project in repositories.projects.list()
        for one in read_releases(repositories, project.id)
        if one.pruned_at is None
    }
    for one in releases:
        if one.file_name not in wanted:
            drop(space.paths.releases / one.file_name)


def old_releases(known: Sequence[Release], current: Current | None, keep: int) -> tuple[Release, ...]:
    """Return the releases whose bundles `prune` would remove; `known` has the newest first."""
    in_use = {current.number, current.previous} if current is not None else set()
    in_use |= {one.number for one in known[: max(0, keep)]}
    return tuple(one for one in known if one.number not in in_use and one.pruned_at is None)


def save_bundle(space: Workspace, wanted: Release, out: Path) -> Flow[Path]:
    """Write a release's bundle to `out`, where an old file stays until the new one is complete; raises `JobError`."""
    check_writable(out)
    bundle = yield from stored_bundle(space, wanted)
    yield DiskStep(partial(place, bundle, out))
    return out


def find_release(space: Workspace, project_id: str, number: int) -> Release:
    """Return the release with this number; raise `JobError` (exit code 3) if project or number is unknown."""
    try:
        space.repositories.projects.get(project_id)
    except NotFound as error:
        raise unknown_project(project_id) from error
    for one in read_releases(space.repositories, project_id):
        if one.number == number:
            return one
    raise Refused(
        "unknown_release",
        "There is no such release",
        _("This project has no release {0}. Nothing was changed.").format(number),
        "See 'fettle releases' for those that there are.",
    )


def find_project(space: Workspace, text: str) -> Project:
    """Return the project with this id, or else with this name.

    Raises:
        JobError: (exit code 3) There is none, or several have this name.
    """
    known = space.repositories.projects.list()
    projects = [one for one in known if one.id == text] or [one for one in known if one.name == text]
    if not projects:
        raise unknown_project(text)
    if len(projects) > 1:
        raise Refused(
            "several_projects",
            "Several projects have this name",
            _("{0!r} is the name of {1} projects. Nothing was changed.").format(text, len(projects)),
            _("Name one by its id: {0}.").format(", ".join(one.id for one in projects)),
        )
    return projects[0]


def unknown_project(project_id: str) -> JobError:
    """Return the error of an unknown project."""
    return Refused(
        "unknown_project",
        "There is no such project",
        _("Nothing is stored under {0!r}.").format(project_id),
        "See 'fettle releases' for all projects with their ids and names.",
    )


def _note(space: Workspace, project_id: str, kind: DecisionKind, made: Release, before: int | None) -> None:
    facts: dict[str, JsonValue] = {"release": made.number, "instead_of": before, "sha256": made.sha256}
    whose = {"run_id": made.run_id, "variant_id": made.variant_id}
    entry = planned_decision(space.repositories, project_id, kind, facts, **whose)
    record_decision(space.repositories, project_id, entry)


def _current_release(space: Workspace, project_id: str) -> Release | None:
    current = read_current(space.repositories, project_id)
    known = read_releases(space.repositories, project_id)
    return next((one for one in known if current is not None and one.number == current.number), None)
