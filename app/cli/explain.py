"""Run `fettle explain`, which says why two models, or a model and expected outputs, answer differently."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.options.arguments import AllowCode, Model, Preprocess, Shapes, Task, TextColumn, opening_of
from app.cli.options.inputs import check_exists
from app.cli.output import KEPT_ORIGINAL, OK, Output
from app.cli.session import run, workspace
from app.services.after.explaining import explain_models
from workers.contracts.after.changes import ExplainResult
from workers.contracts.wording import counted


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """The options of `fettle explain`."""

    data: Annotated[Path, Option(help="Pictures, texts, arrays or sounds to compare on.")]
    text_column: TextColumn = None
    max_items: Annotated[int | None, Option(min=1, max=1000, help="Most examples to compare.")] = None
    preprocess: Preprocess = None
    shapes: Shapes = field(default_factory=list)
    task: Task = None
    allow_code: AllowCode = False


def explain(
    output: Output,
    model: Model,
    other: Annotated[
        Path, Argument(metavar="OTHER", help="Another model, or a file of expected outputs (NPZ, CSV, JSON Lines).")
    ],
    options: ExplainOptions,
) -> int:
    """Say why two models differ; the exit code is 4 if nothing explains the difference."""
    check_exists(model, other, options.data, any_name=True)
    opening = opening_of(model, options.shapes, options.preprocess, options.allow_code, options.task, options.data)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        flow = explain_models(opening, other, options.data, options.text_column, options.max_items)
        result = run(space, flow, output.watch)
    output.document(explain_document(result))
    for note in result.notes:
        output.text(f"   {note}")
    for cause in result.causes:
        output.text(cause.text)
    output.sentence(conclusion(result))
    return OK if result.agree or result.causes else KEPT_ORIGINAL


def explain_document(result: ExplainResult) -> dict[str, Any]:
    """Return the JSON document of a result."""
    causes = [
        {
            "code": cause.code, "parameter": cause.parameter, "from": cause.before, "to": cause.after,
            "share_differing_after": cause.share_differing_after,
        }
        for cause in result.causes
    ]  # fmt: skip
    shared = {"agree": result.agree, "share_differing": result.share_differing}
    return {**shared, "causes": causes, "first_node": first_node(result)}


def first_node(result: ExplainResult) -> dict[str, Any] | None:
    """Return the first operator that differs, None if none is known."""
    node = None if result.diff is None else result.diff.first_node
    return None if node is None else {"name": node.a or node.b, "op": node.op, "error": node.error}


def conclusion(result: ExplainResult) -> str:
    """Return the last sentence: whether both agree, how many answers differ, and where the difference begins."""
    differing = f"{round(result.share_differing * result.n_items):,} of {counted(result.n_items, 'answer')} differ"
    if result.agree:
        return (
            f"Both agree: {differing}." if not result.causes else f"Nearly the same answers as they are: {differing}."
        )
    if result.causes:
        return f"As they are, {differing}; the difference is explained."
    if (node := first_node(result)) is not None:
        return f"{differing}. The first operator that differs is “{node['name']}” ({node['op']})."
    return f"{differing}, and none of {result.tried:,} usual differences explains it."
