"""Run `fettle diff`, which compares the graphs of two models."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

from typer import Argument, Option

from app.cli.options.arguments import JudgingOptions
from app.cli.options.inputs import check_exists
from app.cli.output import OK, Output
from app.cli.session import run, workspace
from app.domain.drawing.html import html_of
from app.services.after.comparing_graphs import compare_models
from app.services.projects.running import data_params
from workers.contracts.after.changes import ChangedNode, DiffResult, Status
from workers.contracts.wording import in_ms, percent

MOST_LINES = 20
"""Number of changed operators that are printed; the JSON document has all of them."""

WORDS: dict[Status, str] = {
    "unchanged": "the same",
    "fused": "fused into another",
    "removed": "removed",
    "added": "added",
    "rounded": "rounded to fewer bits",
    "replaced": "replaced",
    "unmatched": "not matched",
}
FIELDS = ("a", "b", "op", "status", "dtype_a", "dtype_b", "error", "ms_a", "ms_b", "kernel_a", "kernel_b")


@dataclass(frozen=True, kw_only=True)
class DiffOptions(JudgingOptions):
    """The options of `fettle diff`."""

    html: Annotated[Path | None, Option(metavar="FILE.html", help="Also write the picture of both graphs.")] = None


def diff(
    output: Output,
    first: Annotated[Path, Argument(metavar="A", help="A model file, folder or bundle.")],
    second: Annotated[Path, Argument(metavar="B", help="The model, file, folder or bundle to compare with it.")],
    options: DiffOptions,
) -> int:
    """Compare the graphs of two models from anywhere; with data also errors and time by operator."""
    check_exists(first, second, options.data, any_name=True)
    data = data_params(options.data, None, options.text_column, options.label_column)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        flow = compare_models(options.opening(first), options.opening(second), data, options.threads)
        result = run(space, flow, output.watch)
    if options.html is not None:
        options.html.write_text(html_of(result, (first.name, second.name)), encoding="utf-8")
    output.document(document_of(result))
    for line in _lines(result):
        output.text(line)
    output.sentence(_sentence(result))
    return OK


def document_of(result: DiffResult) -> dict[str, Any]:
    """Return the JSON document of the command."""
    return {
        "counts": {status: result.counts.get(status, 0) for status in get_args(Status)},
        "nodes": [node.model_dump(include=set(FIELDS)) for node in result.nodes],
        "reasons": [reason.model_dump(include={"code", "text", "nodes"}) for reason in result.reasons],
    }


def _lines(result: DiffResult) -> Iterator[str]:
    for status, words in WORDS.items():
        if result.counts.get(status):
            yield f"{result.counts[status]:7,}  {words}"
    changed = [node for node in result.nodes if node.status != "unchanged"]
    for node in sorted(changed, key=lambda node: -(node.error or 0))[:MOST_LINES]:
        yield f"  {node.status:<9} {_names(node)}  {_figures(node)}".rstrip()
    if len(changed) > MOST_LINES:
        yield f"  and {len(changed) - MOST_LINES:,} more"
    for reason in result.reasons:
        yield f"{reason.text} {reason.advice}".rstrip()
    yield from result.notes


def _names(node: ChangedNode) -> str:
    if node.a is None or node.b is None or node.a == node.b:
        return f"{node.op} {node.a or node.b}"
    return f"{node.op} {node.a} → {node.op_b} {node.b}"


def _figures(node: ChangedNode) -> str:
    parts = []
    if node.dtype_a and node.dtype_b and node.dtype_a != node.dtype_b:
        parts.append(f"{node.dtype_a} → {node.dtype_b}")
    if node.nan:
        parts.append("not finite")
    if node.error is not None:
        parts.append(f"error {node.error:.2g}")
    if node.ms_a is not None or node.ms_b is not None:
        parts.append(" → ".join("none" if ms is None else in_ms(ms) for ms in (node.ms_a, node.ms_b)))
    return ", ".join(parts)


def _sentence(result: DiffResult) -> str:
    total = len(result.nodes)
    if not total or result.counts.get("unmatched", 0) == total:
        return "The two models have nothing in common."
    same = result.counts.get("unchanged", 0)
    if same == total:
        return f"All {total:,} operators are the same."
    share = percent(1 - result.counts.get("unmatched", 0) / total)
    where = result.first_different
    first = "" if where is None else f" The first one that differs by more than rounding is “{_name(result, where)}”."
    return f"{same:,} of {total:,} operators are the same; {share} of all are matched.{first}"


def _name(result: DiffResult, position: int) -> str:
    node = result.nodes[position]
    return node.a or node.b or node.op
