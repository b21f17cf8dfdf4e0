"""Run `fettle load` and `fettle stress`: a run's version under load, and on changed inputs."""

from typing import Annotated, Any

from typer import Option

from app.cli.options.arguments import Run
from app.cli.options.arguments import Variant as VariantOption
from app.cli.output import OK, Output, usage
from app.cli.session import run, workspace
from app.domain.variant import Variant
from app.services.after.card import cost_of
from app.services.after.loading import capacity_words, headline, measure_load, plan_words, stages
from app.services.after.stressing import Stressed
from app.services.after.stressing import stress as stress_flow
from app.services.records.after_run import LoadRecord, Price, read_price
from app.services.records.facts import RunFacts, read_facts
from workers.contracts.after.load import LOADGEN_WORDS, VersionLoad
from workers.contracts.after.stress import StressResult, StressRow, UnfamiliarRow
from workers.contracts.wording import in_ms, percent


def load(
    output: Output,
    run_id: Run,
    variant: VariantOption = None,
    seconds: Annotated[float, Option(min=0.5, max=3600, help="Seconds for each of about 6 steps.")] = 10.0,
    price_per_hour: Annotated[float | None, Option(min=0.000001, help="Price of one hour of the computer.")] = None,
    currency: Annotated[str, Option(help="Currency of the price.")] = "USD",
    utilization: Annotated[float, Option(min=0.01, max=1.0, help="Share of each hour in use.")] = 0.5,
    max_latency: Annotated[
        float | None,
        Option(
            min=0.001, metavar="MS", help="Also find the highest request rate with 99 % of answers within this limit."
        ),
    ] = None,
) -> int:
    """Measure a run's original and one version under load: batches, request rates, cold start, energy, cost."""
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        version = _variant(facts, variant)
        output.notice(plan_words(stages(facts, version, seconds, max_latency), seconds))
        record = run(space, measure_load(space, facts, version, seconds, max_latency), output.watch)
        if price_per_hour is None:
            price = read_price(space.repositories)
        else:
            price = Price(per_hour=price_per_hour, currency=currency, utilization=utilization)
    output.document(load_document(record, price))
    for measured in (record.original, record.variant):
        if measured is not None:
            _print_load(output, measured, price)
    output.sentence(headline(record))
    return OK


def _variant(facts: RunFacts, wanted: str | None) -> Variant | None:
    """Return the requested or recommended version, None for the original alone."""
    if wanted is None:
        return facts.recommended
    found = facts.variant(wanted)
    if found is None:
        raise usage(f"The run {facts.run.id} has no version {wanted!r}.", "'fettle compare' lists their ids.")
    return None if found.is_baseline else found


def load_document(record: LoadRecord, price: Price | None) -> dict[str, Any]:
    """Return `{run_id, seconds, original, variant, paired, price, cost_per_million, …}`; absent figures are null."""
    versions = [record.original] + ([record.variant] if record.variant is not None else [])
    return {
        **record.model_dump(mode="json"),
        "price": price.model_dump(mode="json") if price is not None else None,
        "cost_per_million": {version.variant_id: cost_of(version, price) for version in versions},
    }


def _print_load(output: Output, version: VersionLoad, price: Price | None) -> None:
    output.text(version.title)
    if version.sweep is not None:
        for point in version.sweep.points:
            mark = "  (knee)" if point.batch == version.sweep.knee_batch else ""
            output.text(f"  batch {point.batch:>4}     {point.throughput_per_s:>10,.1f} a second{mark}")
    for arriving in version.serving.alone if version.serving is not None else ():
        latency = arriving.latency
        within = f"p50 {in_ms(latency.p50_ms)}  p90 {in_ms(latency.p90_ms)}  n {latency.n:,}"
        output.text(f"  at random      {arriving.rate_per_s:>10,.1f} a second   {within}")
    for spoken in version.prompts:
        rate = "" if spoken.tokens_per_s is None else f", then {spoken.tokens_per_s:.1f} a second"
        held = "" if spoken.memory_bytes is None else f", {spoken.memory_bytes / 1e6:.0f} MB"
        first = f"prompt of {spoken.prompt_tokens:>5}  first token {in_ms(spoken.first_ms)}"
        output.text(f"  {first}{rate}{held}  n {spoken.n}")
    if version.capacity is not None:
        output.text(f"  most requests  {capacity_words(version.capacity)} ({LOADGEN_WORDS})")
    if version.cold is not None:
        times = sorted(version.cold.total_ms)
        output.text(f"  cold start     p50 {times[len(times) // 2]:.0f} ms, max {times[-1]:.0f} ms, n {len(times)}")
    cost = cost_of(version, price)
    if cost is not None and price is not None:
        output.text(f"  a million answers cost {cost:.3g} {price.currency} at {price.per_hour:g} an hour")
    for words in version.missing:
        output.text(f"  not measured: {words}")


NOT_MEASURED = ("eps", "queries", "restarts", "n", "original_fooled", "optimized_fooled", "p", "upper", "verdict")


def stress(
    output: Output,
    run_id: Run,
    variant: VariantOption = None,
    full: Annotated[bool, Option("--full", help="Test all kinds at all severities (minutes).")] = False,
    seconds: Annotated[
        float | None, Option(min=1, max=86_400, help="Time limit; more time tests more examples.")
    ] = None,
    again: Annotated[bool, Option("--again", help="Use other random changes than the last time.")] = False,
) -> int:
    """Compare a version with the original on changed, nonsensical and hostile inputs."""
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        flow = stress_flow(space, facts, variant, full=full, again=again, max_seconds=seconds)
        stressed = run(space, flow, output.watch)
    output.document(_document(run_id, stressed))
    _print_stress(output, stressed)
    output.sentence(stressed.result.headline)
    return OK


def _document(run_id: str, stressed: Stressed) -> dict[str, object]:
    result = stressed.result.model_dump(mode="json")
    for attack in result["attacks"]:
        if attack["why_not"]:  # unmeasured figures are null, never 0
            attack.update(dict.fromkeys(NOT_MEASURED))
    return {"run_id": run_id, "variant": stressed.variant.id, **result, "folder": str(stressed.folder)}


def _print_stress(output: Output, stressed: Stressed) -> None:
    result = stressed.result
    clean = result.clean
    output.text(f"{stressed.variant.title}: {result.n_answered:,} examples, original / optimized ({result.measure})")
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
        outcome = f"not made. {attack.why_not}" if attack.why_not else f"{attack.words} ({budget})"
        lines.append(f"{attack.title}: {outcome}")
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
