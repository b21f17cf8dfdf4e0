"""Run `fettle data check` and `fettle data doctor`: find problems of a person's data, or of their preparation."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options.arguments import AllowCode, LabelColumn, Model, Preprocess, Seed, Shapes, TextColumn
from app.cli.options.inputs import check_exists, parse_shapes
from app.cli.output import OK, REFUSED, Output
from app.cli.session import run, workspace
from app.services.data.doctor import check_data, check_preparation
from app.services.flow.steps import Flow
from app.services.opening.opening import open_model
from app.services.projects.running import data_params
from workers.contracts.data.checks import CheckFinding, DataCheckParams, DataCheckResult
from workers.contracts.data.doctor import DoctorResult, WayTried
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams, OpenParams

SHOWN = 5
"""Most names of items that are listed under a finding; --json has up to a thousand."""


def check(
    output: Output,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Pictures, texts, arrays or sounds.")],
    against: Annotated[Path | None, typer.Option(metavar="PATH", help="A second set: do they share items?")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    seed: Seed = 0,
) -> int:
    """Find duplicates, leakage, label errors, imbalance, drift and private data; the exit code is 3 on leakage."""
    for place in (path, against):
        if place is not None:
            check_exists(place, any_name=True)
    params = DataCheckParams(
        path=str(path.absolute()),
        against=None if against is None else str(against.absolute()),
        text_column=text_column,
        label_column=label_column,
    )
    with workspace(output.options, writes=False, notice=output.notice) as space:
        result = run(space, check_data(params, seed), output.watch)
    document = result.model_dump(mode="json", include={"findings", "counts"})
    leakage = _leakage(result) if result.leaked else None
    if leakage is not None:
        document["error"] = leakage.model_dump(include={"code", "title", "detail", "hint"})
    output.document(document)
    for finding in result.findings:
        _tell(output, finding)
    output.sentence(_summary(result) if leakage is None else f"{leakage.detail} {leakage.hint}")
    return OK if leakage is None else REFUSED


def _leakage(result: DataCheckResult) -> ErrorInfo:
    finding = next(found for found in result.findings if found.check == "leakage")
    return ErrorInfo(code="leakage", title="The two sets share items", detail=finding.what, hint=finding.hint)


def _tell(output: Output, finding: CheckFinding) -> None:
    output.text(f"  {finding.level}: {finding.what}")
    if finding.level == "info":
        return
    for names in finding.groups[:SHOWN] or [(name,) for name in finding.items[:SHOWN]]:
        output.text(f"      {' = '.join(names)}")
    rest = max(finding.count or 0, len(finding.groups or finding.items)) - SHOWN
    if rest > 0 and not finding.groups:
        output.text(f"      and {rest:,} more")
    if finding.hint:
        output.text(f"      {finding.hint}")


def _summary(result: DataCheckResult) -> str:
    items = result.counts["items"] or 0
    looked = "1 item was looked at" if items == 1 else f"{items:,} items were looked at"
    warnings = sum(finding.level != "info" for finding in result.findings)
    if not warnings:
        return f"{looked}; nothing speaks against using them."
    return f"{looked}; {warnings} thing{'' if warnings == 1 else 's'} to look at."


@dataclass(frozen=True)
class DoctorOptions:
    """The options of `fettle data doctor`."""

    data: Annotated[Path, typer.Option(help="Pictures, texts, arrays or sounds to try it on.")]
    text_column: TextColumn = None
    label_column: LabelColumn = None
    preprocess: Preprocess = None
    shapes: Shapes = field(default_factory=list)
    allow_code: AllowCode = False


def doctor(output: Output, model: Model, options: DoctorOptions) -> int:
    """Print the preparations of inputs, the best first, and whether the chosen one fits."""
    check_exists(model, any_name=True)
    check_exists(options.data, any_name=True)
    opening = OpenParams(
        path=str(model.absolute()),
        allow_code=options.allow_code,
        shapes=parse_shapes(options.shapes),
        preprocess=options.preprocess,
        data_path=str(options.data.absolute()),
    )
    requested = data_params(options.data, None, options.text_column, options.label_column)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        found = run(space, _examined(opening, requested), output.watch)
    output.document(found.model_dump(mode="json"))
    for way in found.ways:
        output.text(_way_line(way))
    if found.verdict in ("better", "far_better") and found.best is not None:
        output.text(f"  To take it: --preprocess {found.best.spec}")
    output.sentence(f"{found.what} {found.why}".strip())
    return OK


def _examined(opening: OpenParams, asked: DataParams) -> Flow[DoctorResult]:
    model = yield from open_model(opening)
    found = yield from check_preparation(model, asked, None)
    return found


def _way_line(way: WayTried) -> str:
    mark = "*" if way.is_chosen else " "
    if way.score is None:
        return f"  {mark} cannot run   {way.words}"
    reach = f" ({way.low:.2f} to {way.high:.2f})" if way.low is not None and way.high is not None else ""
    return f"  {mark} {way.score:.3f}{reach}, {way.n} examples   {way.words}"
