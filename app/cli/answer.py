"""Run `fettle answer`: the answers of a version to a folder, a table of texts or an NPZ file, as one table."""

import shutil
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.options.arguments import AllowCode, LabelColumn, TextColumn, Threads
from app.cli.options.arguments import Variant as VariantOption
from app.cli.options.inputs import check_exists
from app.cli.output import CANCELLED, OK, CommandFailed, Output, refusal
from app.cli.session import CANCELLED_WORDS, run, workspace
from app.services.after.answering import answer_files, bundle_version, part_of, run_version, save_table, suffix_of
from app.services.after.exporting import check_writable, version_of
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.run.version_steps import Version
from workers.contracts.after.answering import AnswerFilesResult

KEPT = {"detail": "What was answered is kept.", "hint": "To continue, run the same command again."}


def answer(
    output: Output,
    model: Annotated[str, Argument(metavar="RUN|BUNDLE", help="A run's id, or a bundle that Fettle exported.")],
    path: Annotated[Path, Argument(metavar="PATH", help="A folder of pictures or sounds, a CSV, or an NPZ.")],
    out: Annotated[Path, Option(metavar="FILE.csv|.xlsx|.jsonl", help="Where the table is written.")],
    variant: VariantOption = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    allow_code: AllowCode = False,
    threads: Threads = None,
) -> int:
    """Answer a folder with the recommended version of a run, or with a bundle; an interrupted command continues."""
    is_bundle = Path(model).exists() or "/" in model
    check_exists(path, Path(model) if is_bundle else None, any_name=True)
    out = out.absolute()
    suffix_of(out)
    check_writable(out)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        opening = bundle_version(Path(model).absolute(), allow_code=allow_code)
        version, key = run(space, opening if is_bundle else _of_run(space, model, variant), output.watch)
        try:
            run(space, answer_files(space, version, key, path, text_column, threads, label_column), output.watch)
        except CommandFailed as error:
            if error.exit_code == CANCELLED:
                raise CommandFailed(CANCELLED, CANCELLED_WORDS.model_copy(update=KEPT)) from error
            raise
        part = part_of(space, key, path, text_column)
        result = run(space, save_table(part, out), output.watch)
        shutil.rmtree(part, ignore_errors=True)
    return _report(output, result)


def _of_run(space: Workspace, run_id: str, variant_id: str | None) -> Flow[tuple[Version, str]]:
    facts = read_facts(space, run_id)
    chosen = version_of(facts, variant_id or facts.run.recommended_variant_id or facts.baseline.id)
    return (yield from run_version(space, facts, chosen))


def _report(output: Output, result: AnswerFilesResult) -> int:
    if not result.answered:
        detail = f"None of the {result.failed:,} inputs has an answer; {result.path} holds the reasons."
        raise refusal("nothing_answered", "Nothing was answered", detail, "Correct the inputs, and try again.")
    output.document(result.model_dump(mode="json"))
    failed = f"; {result.failed:,} have no answer, with the reason" if result.failed else ""
    output.sentence(f"{result.answered:,} answers in {result.path}{failed}.")
    return OK
