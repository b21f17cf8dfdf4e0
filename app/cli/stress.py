"""Run `fettle stress`, which compares a version with the original on more difficult inputs than the examples."""

from typing import Annotated

import typer

from app.cli.options.arguments import Run, Variant
from app.cli.output import OK, Output
from app.cli.session import run, workspace
from app.services.after.stressing import Stressed, StressRequest
from app.services.after.stressing import stress as stress_flow
from app.services.records.facts import read_facts
from workers.contracts.after.stress import StressResult, StressRow, UnfamiliarRow
from workers.contracts.wording import percent

NOT_MEASURED = ("eps", "queries", "restarts", "n", "original_fooled", "optimized_fooled", "p", "upper", "verdict")


def stress(
    output: Output,
    run_id: Run,
    variant: Variant = None,
    full: Annotated[bool, typer.Option("--full", help="Test all kinds at all severities (minutes).")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=1, max=86_400, help="Time limit; more time tests more examples.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Use other random changes than the last time.")] = False,
) -> int:
    """Compare a version with the original on changed, nonsensical and hostile inputs."""
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        found = run(space, stress_flow(space, facts, StressRequest(variant, full, again, seconds)), output.watch)
    output.document(_document(run_id, found))
    _tell(output, found)
    output.sentence(found.result.headline)
    return OK


def _document(run_id: str, found: Stressed) -> dict[str, object]:
    result = found.result.model_dump(mode="json")
    for attack in result["attacks"]:
        if attack["why_not"]:  # unmeasured figures are null, never 0
            attack.update(dict.fromkeys(NOT_MEASURED))
    return {"run_id": run_id, "variant": found.variant.id, **result, "folder": str(found.folder)}


def _tell(output: Output, found: Stressed) -> None:
    result = found.result
    clean = result.clean
    output.text(f"{found.variant.title}: {result.n_answered:,} examples, original / optimized ({result.measure})")
    output.text(f"  {'unchanged':<24} {percent(clean.original):>7} / {percent(clean.optimized):<7}")
    for row in result.rows:
        output.text(_line(row))
    for line in _more(result):
        output.text(f"  {line}")


def _line(row: StressRow) -> str:
    cells = "   ".join(f"{cell.level}: {percent(cell.original)} / {percent(cell.optimized)}" for cell in row.cells)
    mark = {"worse": "WORSE", "unclear": "?", "even": "as good"}[row.verdict]
    return f"  {row.title:<24} {mark:<8} {cells}"


def _more(result: StressResult) -> list[str]:
    lines = [row.words for row in result.rows if row.verdict == "worse"]
    lines += [_unfamiliar(row) for row in result.unfamiliar]
    for attack in result.attacks:
        budget = f"eps {attack.eps:.4g}, {attack.queries:,} queries, starts: {attack.restarts}"
        told = f"not made. {attack.why_not}" if attack.why_not else f"{attack.words} ({budget})"
        lines.append(f"{attack.title}: {told}")
    if result.triggers is not None:
        mark = "danger: " if result.triggers.danger else ""
        lines.append(f"Triggers: {mark}{result.triggers.words or result.triggers.why_not}")
        lines += result.triggers.not_looked
    lines += [f"{finding.level}: {finding.what} {finding.hint}".strip() for finding in result.poison]
    if result.poison_scope is not None:
        lines += [text for text in (result.poison_scope.words, *result.poison_scope.not_looked) if text]
    return list(dict.fromkeys([*lines, *result.notes]))


def _unfamiliar(row: UnfamiliarRow) -> str:
    before, after = row.original_separation, row.optimized_separation
    if before is None or after is None:
        return row.words
    alarms = f"false alarms (FPR95) {percent(before.fpr95)} / {percent(after.fpr95)}"
    return f"{'near' if row.near else 'far'}: {row.words} {alarms}"
