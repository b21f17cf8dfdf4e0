"""Run `fettle data check` and `fettle data doctor`: find problems of a person's data, or of their preparation."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.options.arguments import AllowCode, LabelColumn, Model, Preprocess, Seed, Shapes, TextColumn, opening_of
from app.cli.options.inputs import check_exists
from app.cli.output import OK, REFUSED, Output
from app.cli.session import run, workspace
from app.services.data.doctor import check_data, check_preparation
from app.services.flow.steps import Flow
from app.services.opening.opening import open_model
from app.services.projects.running import data_params
from workers.contracts.data.checks import CheckFinding, DataCheckParams, DataCheckResult
from workers.contracts.data.doctor import DoctorResult, PreparationTried
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams, OpenParams

SHOWN = 5
"""Most names of items that are listed under a finding; --json has up to a thousand."""


def check(
    output: Output,
    path: Annotated[Path, Argument(metavar="PATH", help="Pictures, texts, arrays or sounds.")],
    against: Annotated[Path | None, Option(metavar="PATH", help="A second set: do they share items?")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    seed: Seed = 0,
) -> int:
    """Find duplicates, leakage, label errors, imbalance, drift and private data; the exit code is 3 on leakage."""
    check_exists(path, against, any_name=True)
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
        _print_finding(output, finding)
    output.sentence(_summary(result) if leakage is None else f"{leakage.detail} {leakage.hint}")
    return OK if leakage is None else REFUSED


def _leakage(result: DataCheckResult) -> ErrorInfo:
    finding = next(found for found in result.findings if found.check == "leakage")
    return ErrorInfo(code="leakage", title="The two sets share items", detail=finding.what, hint=finding.hint)


def _print_finding(output: Output, finding: CheckFinding) -> None:
    output.finding(finding.level, finding.what)
    if finding.level == "info":
        return
    listed = finding.groups or [(name,) for name in finding.items]
    for names in listed[:SHOWN]:
        output.text(f"      {' = '.join(names)}")
    rest = (len(listed) if finding.groups else max(finding.count or 0, len(listed))) - SHOWN
    if listed and rest > 0:
        output.text(f"      and {rest:,} more")
    if finding.hint:
        output.text(f"      {finding.hint}")


def _summary(result: DataCheckResult) -> str:
    items = result.counts["items"] or 0
    checked = "1 item was checked" if items == 1 else f"{items:,} items were checked"
    warnings = sum(finding.level != "info" for finding in result.findings)
    if not warnings:
        return f"{checked}; nothing speaks against using them."
    return f"{checked}; {warnings} thing{'' if warnings == 1 else 's'} to look at."


def doctor(
    output: Output,
    model: Model,
    data: Annotated[Path, Option(help="Pictures, texts, arrays or sounds to try it on.")],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    preprocess: Preprocess = None,
    shapes: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
) -> int:
    """Print the preparations of inputs, the best first, and whether the chosen one fits."""
    check_exists(model, data, any_name=True)
    opening = opening_of(model, shapes, preprocess, allow_code, data=data)
    requested = data_params(data, None, text_column, label_column)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        result = run(space, _opened_and_checked(opening, requested), output.watch)
    output.document(result.model_dump(mode="json"))
    for preparation in result.ways:
        output.text(_preparation_line(preparation))
    if result.verdict in ("better", "far_better") and result.best is not None:
        output.text(f"  To use it: --preprocess {result.best.spec}")
    output.sentence(f"{result.what} {result.why}".strip())
    return OK


def _opened_and_checked(opening: OpenParams, requested: DataParams) -> Flow[DoctorResult]:
    model = yield from open_model(opening)
    result = yield from check_preparation(model, requested, None)
    return result


def _preparation_line(tried: PreparationTried) -> str:
    mark = "*" if tried.is_chosen else " "
    if tried.score is None:
        return f"  {mark} cannot run   {tried.words}"
    interval = f" ({tried.low:.2f} to {tried.high:.2f})" if tried.low is not None and tried.high is not None else ""
    return f"  {mark} {tried.score:.3f}{interval}, {tried.n} examples   {tried.words}"
