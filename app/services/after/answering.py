"""Answer everything in a folder or file with one version, and write the answers as a table.

Answers are appended to a part in the data folder, which only a change of version, path or column begins anew. An
interrupted job therefore continues, from the window or from the command line.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from app.domain.variant import Variant
from app.filelock import try_lock
from app.paths import prepare
from app.services.after.exporting import check_writable, place
from app.services.flow.steps import DiskStep, Flow, JobError, JobStep, Refused, Unavailable, limits_of_runtime
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_bundle
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import Version, opened_version, stored_version
from workers.contracts.after.answering import (
    ENDED_FILE,
    NOW_FILE,
    AnswerFilesParams,
    AnswerFilesResult,
    AnswerTableParams,
    TableSuffix,
)
from workers.contracts.folder import sha256_file
from workers.contracts.paths import to_text
from workers.contracts.translation import _, mark

SUFFIXES: tuple[TableSuffix, ...] = (".csv", ".xlsx", ".jsonl")
SUMS_FILE = "SHA256SUMS"
PART, LOCK = "answers-", "lock"
CRASHES, MOST_CRASHES = ("native_crash", "native_abort", "out_of_memory"), 5
"""Ends of a process that one input may cause, and number of inputs with such an end before the work stops."""


def version_key(version: Version, content: str) -> str:
    """Return the identity of a version: `content` identifies its files; runtime and settings count as well."""
    facts = [content, version.variant.runtime, version.settings]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def run_version(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Version, str]]:
    """Return a version of a run and its identity, after its stored files were compared with their hashes.

    Raises:
        JobError: (exit code 3) Its files are gone or were changed.
    """
    yield DiskStep(lambda stopped: check_stored(workspace, facts, variant, stopped=stopped))
    version = stored_version(facts, variant)
    return version, version_key(version, variant.artifact_key or facts.project.model_sha256)


def bundle_version(bundle: Path, *, allow_code: bool = False) -> Flow[tuple[Version, str]]:
    """Return the model of a bundle, in a folder whose parent the caller removes, and its identity.

    As for ``verify``, its files are compared with its checksums, and none of its scripts run.

    Raises:
        JobError: (exit code 3) It is no bundle, was changed, or holds a program and there is no consent.
    """
    sums = bundle if bundle.is_file() else bundle / SUMS_FILE
    opened = (yield from open_bundle(bundle, allow_code=allow_code)) if sums.is_file() else None
    if opened is None or opened.result.info.format != "bundle":
        hint = mark("Choose a .zip file that Fettle exported, or its unpacked folder; optimize a model first.")
        raise Refused("not_a_bundle", "This is not a bundle of Fettle", _("{0} was not used.").format(bundle), hint)
    content: str = yield DiskStep(lambda _stopped: sha256_file(sums))
    version = opened_version(opened, opened.result.info.name)
    return version, version_key(version, content)


def part_of(workspace: Workspace, key: str, path: Path, column: str | None) -> Path:
    """Return the folder of the answers of one version to one path, which need not exist."""
    text = json.dumps([key, to_text(path.absolute()), column])
    return workspace.paths.unfinished / f"{PART}{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def answer_files(
    workspace: Workspace,
    version: Version,
    key: str,
    path: Path,
    column: str | None = None,
    threads: int | None = None,
    label_column: str | None = None,
) -> Flow[AnswerFilesResult]:
    """Answer what the part of this version and path lacks; a cancel keeps what was answered.

    Rows of numbers are read by the names of the data's columns; without these, `label_column` is left out. An input at
    which the process crashes becomes a row with that reason, and the rest goes on.

    Raises:
        JobError: (exit code 3) There is nothing that the model takes; (exit code 6) another program answers it now.
    """
    prepare(workspace.paths)  # a command that only reads may be the first one here
    with workspace.writing():
        part = workspace.unfinished_folder(part_of(workspace, key, path, column).name)
    params = AnswerFilesParams(
        **version.parameters(),
        path=to_text(path.absolute()),
        version=key,
        part_dir=str(part),
        text_column=column,
        label_column=label_column,
        row_columns=version.row_columns,
    )
    limits = limits_of_runtime(version.variant.runtime, version.settings).model_copy(update={"cpu_s": None})
    step = version.step("answer_files", params, AnswerFilesResult, path, limits=limits, threads=threads)
    step = replace(step, title=_("Answer {0}").format(path.name), write_paths=(part,))
    with _held(part):
        for number in range(MOST_CRASHES + 1):
            try:
                return (yield from step.run()).result
            except JobError as error:
                if error.error.code not in CRASHES or number == MOST_CRASHES or not (part / NOW_FILE).is_file():
                    raise
                (part / NOW_FILE).replace(part / ENDED_FILE)
    raise AssertionError("the last crash is raised")


def save_table(part: Path, out: Path) -> Flow[AnswerFilesResult]:
    """Write the answers of a part to `out`, whose suffix names the format; an old file stays until then.

    Raises:
        JobError: (exit code 3) There are no answers, too many for the format, or `out` cannot be written.
    """
    suffix = suffix_of(out)
    check_writable(out)
    params = AnswerTableParams(part_dir=str(part), suffix=suffix)
    done = yield from JobStep(
        "answer_table", params, AnswerFilesResult, "Write the table", (part,), keep_folder=True, threads=1
    ).run()
    try:
        yield DiskStep(lambda stopped: place(done.folder / done.result.path, out, stopped))
    finally:
        shutil.rmtree(done.folder, ignore_errors=True)
    return done.result.model_copy(update={"path": str(out)})


def suffix_of(out: Path) -> TableSuffix:
    """Return the format of a table by its name; raise `JobError` (exit code 3) for another suffix."""
    found = next((suffix for suffix in SUFFIXES if out.suffix.lower() == suffix), None)
    if found is None:
        detail = _("“{0}” does not end in {1}.").format(out.name, ", ".join(SUFFIXES))
        raise Refused("unknown_table", "This kind of table is unknown", detail, "Choose a name with one of these ends.")
    return found


@contextlib.contextmanager
def _held(part: Path) -> Iterator[None]:
    """Keep other programs from appending to the same part meanwhile."""
    handle = os.open(part / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(handle):
            detail = mark("Another window or command answers the same folder with the same version.")
            raise Unavailable("answering_already", "This is being answered already", detail, "Wait until it is done.")
        yield
    finally:
        os.close(handle)
