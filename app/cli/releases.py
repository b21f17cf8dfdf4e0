"""Run `fettle releases`, `fettle release` and `fettle rollback`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.options.arguments import AcceptRegression, Run, Sign, Variant
from app.cli.options.inputs import existing_key
from app.cli.output import OK, REFUSED, Output
from app.cli.session import run, workspace
from app.domain.project import Project
from app.services.after.exporting import ExportRequest, check_writable
from app.services.flow.workspace import Workspace
from app.services.records.decisions import DecisionLog, read_decisions
from app.services.records.facts import read_facts
from app.services.release.documents import decision_words, log_document, log_words, release_document
from app.services.release.record import Release, read_current, read_releases
from app.services.release.releasing import (
    find_project,
    find_release,
    prune,
    release,
    rollback,
    save_bundle,
    unknown_project,
)

ProjectName = Annotated[str, Argument(metavar="PROJECT", help="Project name or id, as listed by 'fettle releases'.")]
Out = Annotated[Path | None, Option(metavar="FILE.zip", help="Also write the bundle to this file.")]


def releases(
    output: Output,
    project: Annotated[str, Argument(metavar="[PROJECT]", help="Only this project.")] = "",
    prune_to: Annotated[
        int | None, Option("--prune", min=0, metavar="N", help="Remove all bundles except those of the newest N.")
    ] = None,
) -> int:
    """List releases with what changed, and the log of decisions; the exit code is 3 if that log was changed."""
    if prune_to is not None and not project:
        raise unknown_project(project)
    with workspace(output.options, writes=prune_to is not None, notice=output.notice) as space:
        projects = [find_project(space, project)] if project else space.repositories.projects.list()
        if prune_to is not None:
            gone = prune(space, projects[0].id, prune_to)
            output.notice(f"The bundles of {len(gone)} releases were removed.")
        logs = [read_decisions(space.repositories, one.id) for one in projects]
        rows = [_document(space, one, log) for one, log in zip(projects, logs, strict=True)]
    output.document({"projects": rows})
    for row, log in zip(rows, logs, strict=True):
        output.text(f"{row['project_id']}  {row['project']}")
        for line in _lines(row["releases"], log):
            output.text(f"  {line}")
    broken = [row["project"] for row, log in zip(rows, logs, strict=True) if log.broken_at is not None]
    count = sum(len(row["releases"]) for row in rows)
    summary = f"{count} release{'s' * (count != 1)}."
    output.sentence(f"The log of decisions was changed: {', '.join(broken)}." if broken else summary)
    return REFUSED if broken else OK


def make_release(
    output: Output,
    run_id: Run,
    variant: Variant = None,
    target: Annotated[str, Option(metavar="ID", help="Kind of bundle (default: as in the last release).")] = "",
    sign: Sign = None,
    accept_regression: AcceptRegression = None,
    out: Out = None,
) -> int:
    """Release a version of a run: keep its bundle and make it the current release."""
    request = ExportRequest(variant, target, override_reason=accept_regression, sign_key=existing_key(sign))
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        if out is not None:
            check_writable(out.absolute())
        made, bundle = run(space, release(space, facts, request), output.watch)
        _print_release(output, space, facts.project.id, made, bundle, out)
    output.sentence(f"Release {made.number} of “{facts.project.name}” is the current one.")
    return OK


def roll_back(
    output: Output,
    project: ProjectName,
    version: Annotated[int, Argument(metavar="VERSION", help="The release's number.")],
    out: Out = None,
) -> int:
    """Make another release the current one, byte for byte."""
    with workspace(output.options, writes=True, notice=output.notice) as space:
        if out is not None:
            check_writable(out.absolute())
        project_id = find_project(space, project).id
        made, bundle = run(space, rollback(space, project_id, version), output.watch)
        _print_release(output, space, project_id, made, bundle, out)
    output.sentence(f"Release {version} is the current one.")
    return OK


def _document(space: Workspace, project: Project, log: DecisionLog) -> dict[str, Any]:
    current = read_current(space.repositories, project.id)
    rows = [release_document(one, current) for one in read_releases(space.repositories, project.id)]
    return {"project_id": project.id, "project": project.name, "releases": rows, "log": log_document(log)}


def _lines(releases: list[dict[str, Any]], log: DecisionLog) -> Iterator[str]:
    """Yield the lines of a project: its releases, its decisions, and the state of their log."""
    for row in releases:
        mark, state = "→" if row["current"] else " ", ", bundle removed" if row["pruned"] else ""
        yield f"{mark} {row['version']:>3}  {row['released_at']:.19}  {row['title']} ({row['target']}{state})"
        yield f"       {row['text']}"
    for entry in log.entries:
        why = f": {entry.why}" if entry.why else ""
        yield f"{entry.number:>5}  {entry.at:.19}  {entry.who} {decision_words(entry)}{why}"
    if log.entries or log.broken_at is not None:
        yield log_words(log)


def _print_release(
    output: Output, space: Workspace, project_id: str, made: Release, bundle: Path, out: Path | None
) -> None:
    """Print the release, write its bundle to `out`, and print the command for a service."""
    if out is not None:
        run(space, save_bundle(space, made, out.absolute()), output.watch)
    document = release_document(
        find_release(space, project_id, made.number), read_current(space.repositories, project_id)
    )
    command = made.switch_command
    bundle = out.absolute() if out is not None else bundle
    output.document({**document, "bundle": str(bundle), "switch": command or None})
    output.text(f"  {document['text']}")
    output.text(f"  {bundle}")
    if command:
        output.text(f"  Where its service runs, unpack it into a new folder, then: {command}")
