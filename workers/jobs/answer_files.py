"""Job kinds ``answer_files`` and ``answer_table``: answer everything in a folder or file, and write it as a table."""

import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from workers.contracts.after.answering import (
    FORMAT,
    PART_FILE,
    STAGE_ID,
    AnswerFilesParams,
    AnswerFilesResult,
    AnswerTableParams,
)
from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.evaluate.data.base import Collection, Entry, Options
from workers.evaluate.data.inputs import read_inputs
from workers.evaluate.look.answer_table import WRITERS
from workers.evaluate.look.one_input import refusal_of
from workers.evaluate.look.part_file import PartFile, rows_of
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.pipeline.answering import answered
from workers.pipeline.chats import Answering, Reads
from workers.pipeline.pipeline import Pipeline, load_pipeline
from workers.pipeline.spec import BoxesSteps, TextSteps

STAGE, WRITING = "Answer", "Write the table"
MOST_NUMBERS = 4096
"""Numbers of one answer that are kept: a mask or a picture has a million."""
SHORT_ANSWER = 64
"""Tokens of a language model's answer, as in a bundle's run.py."""


def run(params: AnswerFilesParams, ctx: JobContext) -> AnswerFilesResult:
    """Answer every input that the part lacks; an input without an answer becomes a row with the reason.

    Raises:
        InputRefused: There is nothing at the path that the model takes.
    """
    model_dir = Path(params.model_dir)
    pipeline = load_pipeline(model_dir)
    found = read_inputs(
        from_text(params.path), Options(pipeline.spec, params.text_column, params.label_column, params.row_columns)
    )
    stamps = dict(_stamps(found, ctx))
    head = {
        "format": FORMAT, "version": params.version, "kind": _kind(pipeline), "text_column": found.text_column,
        "columns": list(found.columns) if found.text_column else [],
    }  # fmt: skip
    with PartFile(Path(params.part_dir) / PART_FILE, head, stamps) as part:
        left = [entry for entry in found.entries if entry.source not in part.done]
        ctx.progress(STAGE, len(part.done), len(stamps), stage_id=STAGE_ID)
        if left:
            with closing(open_session(model_dir, params.runtime, params.settings, ctx.threads)) as session:
                ctx.loaded()
                for entry in left:
                    ctx.check_cancelled()
                    part.begin(entry.source)
                    part.add(_row(pipeline, session, entry))
                    ctx.progress(STAGE, len(part.done), len(stamps), stage_id=STAGE_ID)
        return AnswerFilesResult(answered=len(part.done) - part.failed, failed=part.failed)


def _stamps(found: Collection, ctx: JobContext) -> Iterator[tuple[str, str]]:
    for entry in found.entries:
        ctx.check_cancelled()
        yield entry.source, entry.content().hex() if found.kind == "arrays" else entry.content().decode("latin-1")


def write_table(params: AnswerTableParams, ctx: JobContext) -> AnswerFilesResult:
    """Write all rows of a part.

    Raises:
        InputRefused: There are no answers, or too many for the format.
    """
    part = Path(params.part_dir) / PART_FILE
    if not part.is_file():
        hint = mark("Answer a folder first.")
        raise InputRefused("no_answers", "There is nothing to write", "No answers are stored.", hint)
    head, rows = rows_of(part)
    counts = [0, 0]

    def counted() -> Iterator[dict[str, Any]]:
        for row in rows:
            ctx.check_cancelled()
            counts["error" in row] += 1
            ctx.progress(WRITING, sum(counts))
            yield row

    name = f"answers{params.suffix}"
    WRITERS[params.suffix](ctx.work_dir / name, head, counted())
    return AnswerFilesResult(answered=counts[0], failed=counts[1], path=name)


def _kind(pipeline: Pipeline) -> str:
    if isinstance(pipeline.spec.postprocess, BoxesSteps):
        return "boxes"
    return "labels" if pipeline.spec.answer_kind in ("class", "score", "labels") else "other"


def _row(pipeline: Pipeline, session: Session, entry: Entry) -> dict[str, Any]:
    """Return the row of one input: its answer as ``run.py --json`` gives it, or the reason why there is none."""
    row: dict[str, Any] = {"input": entry.source}
    if entry.text is not None and isinstance(pipeline.spec.preprocess, TextSteps):
        row["text"] = entry.text
    try:
        return row | _answer(pipeline, session, entry)
    except JobCancelled:
        raise
    except Exception as error:  # every runtime has its own errors
        return row | {"error": refusal_of(error, pipeline).detail}


def _answer(pipeline: Pipeline, session: Session, entry: Entry) -> dict[str, Any]:
    source = entry.open()
    if pipeline.spec.chat is not None and isinstance(session, Reads):
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else str(source)
        return {"answer": "".join(Answering(session, pipeline.chat, SHORT_ANSWER).pieces(text))}
    done = answered(pipeline, pipeline.answer(session, pipeline.feeds_from(source)), source)
    if "shares" in done:
        del done["answer"]
    elif math.prod(done.get("shape", ())) > MOST_NUMBERS:
        done["answer"] = _flat(done["answer"])[:MOST_NUMBERS]
    return done


def _flat(values: Any) -> list[float]:
    return [number for value in values for number in _flat(value)] if isinstance(values, list) else [values]
