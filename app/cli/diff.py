"""Run `fettle diff`, which compares the graphs of two models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

from typer import Argument, Option

from app.cli.options.arguments import JudgingOptions
from app.cli.options.inputs import check_exists
from app.cli.output import OK, Output, refusal
from app.cli.session import run, workspace
from app.domain.drawing.html import html_of
from app.services.after.comparing_graphs import compare_models
from app.services.projects.running import data_params
from workers.contracts.after.change_words import (
    STATUS_WORDS,
    error_words,
    ms_words,
    name_of,
    op_words,
    summary,
    worst_first,
)
from workers.contracts.after.changes import DiffResult, Status
from workers.contracts.translation import _
from workers.contracts.wording import percent

MOST_LINES = 20
"""Number of changed operators that are printed; the JSON document has all of them."""

FIELDS = ("a", "b", "op", "status", "dtype_a", "dtype_b", "error", "ms_a", "ms_b", "kernel_a", "kernel_b")


def diff(
    output: Output,
    first: Annotated[Path, Argument(metavar="A", help="A model file, folder or bundle.")],
    second: Annotated[Path, Argument(metavar="B", help="The model, file, folder or bundle to compare with it.")],
    options: JudgingOptions,
    html: Annotated[Path | None, Option(metavar="FILE.html", help="Also write the picture of both graphs.")] = None,
) -> int:
    """Compare the graphs of two models from anywhere; with data also errors and time by operator."""
    check_exists(first, second, options.data, any_name=True)
    data = data_params(options.data, None, options.text_column, options.label_column)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        flow = compare_models(options.opening(first), options.opening(second), data, options.threads)
        result = run(space, flow, output.watch)
    if html is not None:
        _write_page(html, html_of(result, (first.name, second.name)))
    output.document(document_of(result))
    for line in _lines(result):
        output.text(line)
    if html is not None:
        output.text(f"Both models as one picture: {html}")
    output.sentence(_sentence(result))
    return OK


def _write_page(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        detail, hint = (
            f"{path}: {error.strerror or error}.",
            "Free some space, or name another file; the comparison is kept.",
        )
        raise refusal("not_written", "The page could not be written", detail, hint) from error


def document_of(result: DiffResult) -> dict[str, Any]:
    """Return the JSON document of the command."""
    counts = result.counts
    return {
        "counts": {status: counts[status] for status in get_args(Status)},
        "nodes": [node.model_dump(include=set(FIELDS)) for node in result.nodes],
        "reasons": [reason.model_dump(include={"code", "text", "nodes"}) for reason in result.reasons],
    }


def _lines(result: DiffResult) -> Iterator[str]:
    yield summary(result)
    changed = [result.nodes[at] for at in worst_first(result.nodes) if result.nodes[at].status != "unchanged"]
    for node in changed[:MOST_LINES]:
        error = f", error {error_words(node)}" if node.nan or node.error is not None else ""
        time = "" if node.ms_a is None and node.ms_b is None else f", {ms_words(node.ms_a, node.ms_b)}"
        yield f"  {op_words(node)} {name_of(node)}: {_(STATUS_WORDS[node.status])}{error}{time}"
    if len(changed) > MOST_LINES:
        yield f"  and {len(changed) - MOST_LINES:,} more"
    for reason in result.reasons:
        yield f"{reason.text} {reason.advice}".rstrip()
    yield from result.notes


def _sentence(result: DiffResult) -> str:
    total, counts = len(result.nodes), result.counts
    if counts["unmatched"] == total:
        return "The two models have nothing in common."
    if counts["unchanged"] == total and result.first_node is None:
        return f"All {total:,} operators are the same."
    if (first := result.first_node) is not None:
        return f"“{name_of(first)}” is the first operator that differs by more than rounding."
    share = percent(1 - counts["unmatched"] / total)
    return f"{share} of {total:,} operators are matched."
