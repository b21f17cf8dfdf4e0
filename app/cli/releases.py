"""Run `fettle releases`, `fettle release` and `fettle rollback`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.options.arguments import Run
from app.cli.options.inputs import check_exists
from app.cli.output import OK, REFUSED, Output
from app.cli.session import run, workspace
from app.services.after.exporting import check_writable
from app.services.flow.workspace import Workspace
from app.services.records.decisions import read_decisions
from app.services.records.facts import read_facts
from app.services.release.documents import decision_words, log_document, log_words, release_document
from app.services.release.record import read_current, read_releases
from app.services.release.releasing import (
    Released,
    ReleaseRequest,
    find_project,
    find_release,
    prune,
    release,
    rollback,
    save_bundle,
    unknown_project,
)

Project = Annotated[
    str, typer.Argument(metavar="PROJECT", help="A project's name or id, as 'fettle releases' lists them.")
]
Out = Annotated[Path | None, typer.Option(metavar="FILE.zip", help="Also write its bundle there.")]


@dataclass(frozen=True)
class _Row:
    """A project with its releases, as they are printed."""

    id: str
    name: str
    document: dict[str, Any]
    lines: tuple[str, ...]
    ok: bool


def releases(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(metavar="[PROJECT]", help="Only this project.")] = "",
    prune_to: Annotated[
        int | None, typer.Option("--prune", min=0, metavar="N", help="Keep the bundles of the newest N only.")
    ] = None,
) -> int:
    """Released versions with what changed, and the log of decisions; exit code 3 where that log was changed."""
    output = _output(ctx)
    if prune_to is not None and not project:
        raise unknown_project(project)
    with workspace(output.options, writes=prune_to is not None, notice=output.notice) as space:
        projects = [find_project(space, project)] if project else space.repositories.projects.list()
        if prune_to is not None:
            gone = prune(space, projects[0].id, prune_to)
            output.notice(f"The bundles of {len(gone)} releases were removed.")
        rows = [_row(space, one.id, one.name) for one in projects]
    output.document({"projects": [row.document for row in rows]})
    for row in rows:
        output.text(f"{row.id}  {row.name}")
        for line in row.lines:
            output.text(f"  {line}")
    broken = [row.name for row in rows if not row.ok]
    count = sum(len(row.document["releases"]) for row in rows)
    told = f"{count} release{'s' * (count != 1)}."
    output.sentence(f"The log of decisions was changed: {', '.join(broken)}." if broken else told)
    return REFUSED if broken else OK


def make_release(
    ctx: typer.Context,
    run_id: Run,
    variant: Annotated[str | None, typer.Option(metavar="ID", help="Another one than the recommended.")] = None,
    target: Annotated[str, typer.Option(metavar="ID", help="The kind of bundle; that of the last release.")] = "",
    sign: Annotated[Path | None, typer.Option(metavar="KEY.pem", help="Sign its bundle with this key.")] = None,
    accept_regression: Annotated[str | None, typer.Option(metavar="WHY")] = None,
    out: Out = None,
) -> int:
    """Release a version of a run: its bundle is kept, and becomes the current one."""
    output, key = _output(ctx), sign.absolute() if sign is not None else None
    if key is not None:
        check_exists(key)
    ask = ReleaseRequest(variant, target, accept_regression, key)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        if out is not None:
            check_writable(out.absolute())
        done = run(space, release(space, facts, ask), output.watch)
        _tell(output, space, facts.project.id, done, out)
    output.sentence(f"Release {done.release.number} of “{facts.project.name}” is the current one.")
    return OK


def roll_back(
    ctx: typer.Context,
    project: Project,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The release's number.")],
    out: Out = None,
) -> int:
    """Make another release the current one, with just the bytes that it had."""
    output = _output(ctx)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        if out is not None:
            check_writable(out.absolute())
        project_id = find_project(space, project).id
        done = run(space, rollback(space, project_id, version), output.watch)
        _tell(output, space, project_id, done, out)
    output.sentence(f"Release {version} is the current one.")
    return OK


def add_to(commands: typer.Typer) -> None:
    """Add the three commands."""
    commands.command("releases")(releases)
    commands.command("release")(make_release)
    commands.command("rollback")(roll_back)


def _row(space: Workspace, project_id: str, name: str) -> _Row:
    found, current = read_releases(space.repositories, project_id), read_current(space.repositories, project_id)
    log = read_decisions(space.repositories, project_id)
    rows = [release_document(one, current) for one in found]
    lines = []
    for one, row in zip(found, rows, strict=True):
        mark = "→" if row["current"] else " "
        state = ", bundle removed" if row["pruned"] else ""
        lines.append(f"{mark} {one.number:>3}  {row['released_at']:.19}  {one.title} ({one.target}{state})")
        lines.append(f"       {row['text']}")
    for entry in log.entries:
        why = f": {entry.why}" if entry.why else ""
        lines.append(f"{entry.number:>5}  {entry.at:.19}  {entry.who} {decision_words(entry)}{why}")
    if log.entries or log.broken_at is not None:
        lines.append(log_words(log))
    document = {"project_id": project_id, "project": name, "releases": rows, "log": log_document(log)}
    return _Row(project_id, name, document, tuple(lines), log.broken_at is None)


def _tell(output: Output, space: Workspace, project_id: str, done: Released, out: Path | None) -> None:
    """Print the release, write its bundle to `out`, and print the command for a service."""
    if out is not None:
        run(space, save_bundle(space, done.release, out.absolute()), output.watch)
    document = release_document(
        find_release(space, project_id, done.release.number), read_current(space.repositories, project_id)
    )
    command = done.release.switch_command
    bundle = out.absolute() if out is not None else done.bundle
    output.document({**document, "bundle": str(bundle), "switch": command or None})
    output.text(f"  {document['text']}")
    output.text(f"  {bundle}")
    if command:
        output.text(f"  Where its service runs, unpack it into a folder beside, then: {command}")


def _output(ctx: typer.Context) -> Output:
    output = ctx.obj
    if not isinstance(output, Output):
        raise TypeError("a command was called without its output")
    return output
