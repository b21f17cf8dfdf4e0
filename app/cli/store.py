"""Run `fettle store`: show what projects hold on the disk, and free what nothing needs."""

from typing import Annotated, Any

from typer import Option

from app.cli.output import OK, Output
from app.cli.session import run, workspace
from app.services.projects.storage import KEEP_DAYS, Storage, free, survey
from workers.contracts.measured.sizes import bytes_words

KeepDays = Annotated[int, Option(min=0, metavar="N", help="Days for which interrupted runs keep what they need.")]


def show(output: Output) -> int:
    """Show what each project holds on disk, and how much of it nothing needs."""
    storage = _survey(output, KEEP_DAYS)
    _print(output, storage, KEEP_DAYS)
    freeable = bytes_words(storage.freeable_bytes)
    output.sentence(f"{bytes_words(storage.size_bytes)} are stored. 'fettle store free' would free {freeable}.")
    return OK


def free_space(
    output: Output,
    dry_run: Annotated[bool, Option("--dry-run", help="Report what would be freed without removing anything.")] = False,
    keep_days: KeepDays = KEEP_DAYS,
) -> int:
    """Remove what no project, run or release needs; exported bundles and your own files are never touched."""
    if dry_run:
        storage = _survey(output, keep_days)
        _print(output, storage, keep_days)
        freeable = bytes_words(storage.freeable_bytes)
        output.sentence(f"{freeable} of {bytes_words(storage.size_bytes)} would be freed. Nothing was removed.")
        return OK
    with workspace(output.options, writes=True, notice=output.notice) as space:
        freed = run(space, free(space, keep_days))
    _print(output, freed.storage, keep_days)
    left = bytes_words(freed.storage.size_bytes)
    output.sentence(f"{bytes_words(freed.size_bytes)} were freed; {left} are stored.")
    return OK


def _survey(output: Output, keep_days: int) -> Storage:
    with workspace(output.options, writes=False, notice=output.notice) as space:
        return run(space, survey(space, keep_days))


def _print(output: Output, storage: Storage, keep_days: int) -> None:
    output.document(storage_document(storage))
    if keep_days:
        output.notice(f"Runs keep what they need to go on for {keep_days} days after it was used last (--keep-days).")
    for project in storage.projects:
        freeable = f", {bytes_words(project.freeable_bytes)} not needed" if project.freeable_bytes else ""
        output.text(f"{project.id}  {bytes_words(project.size_bytes):>9}  {project.title}{freeable}")
    if storage.other_bytes:
        output.text(f"{'':12}  {bytes_words(storage.other_bytes):>9}  of no project")


def storage_document(storage: Storage) -> dict[str, Any]:
    """Return what `fettle store` prints with --json."""
    return {
        "projects": [
            {"id": one.id, "title": one.title, "bytes": one.size_bytes, "freeable_bytes": one.freeable_bytes}
            for one in storage.projects
        ],
        "bytes": storage.size_bytes,
        "freeable_bytes": storage.freeable_bytes,
    }
