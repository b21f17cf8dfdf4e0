"""Run the commands describe, inspect, compare, jobs, bench and verify."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.options.fed import fed_document, fed_lines
from app.cli.options.inputs import check_exists
from app.cli.options.shared import known_task, parse_batches, parse_shapes
from app.cli.output import KEPT_ORIGINAL, OK, REFUSED, Output
from app.cli.session import run, workspace
from app.cli.tables import card_lines, disturbed, version_lines, with_misfit
from app.domain.choose import is_safe
from app.services.after.benching import Engine, bench_model, bench_version, conclusion
from app.services.after.comparing import against_document, compare_against
from app.services.after.exporting import version_of
from app.services.after.judged_items import judged_items
from app.services.after.verifying import verify as verify_flow
from app.services.after.watching import read_watched, watched_document, watched_words
from app.services.data.feeding import inspect_fed
from app.services.machine.describing import describe as describe_flow
from app.services.machine.devices import check_runtimes
from app.services.opening.opening import inspect_model
from app.services.projects.running import data_params
from app.services.records.documents import card_document, compare_document
from app.services.records.facts import check_stored, read_facts
from app.signing_key import fingerprint, own_key
from presets.loader import load_presets
from workers.contracts.after.load import Scenario
from workers.contracts.jobs import BenchResult, OpenParams
from workers.contracts.specs import Described
from workers.contracts.wording import in_ms


@dataclass(frozen=True)
class BenchOptions:
    """The options of `fettle bench`."""

    runtime: str | None = None
    batch: str = "1"
    scenario: Scenario = "single-stream"
    seconds: float = 10.0
    preprocess: str | None = None
    shapes: tuple[str, ...] = ()
    allow_code: bool = False
    threads: int | None = None
    engine: Engine = "loadgen"


def describe(output: Output) -> int:
    """Print devices, runtimes, techniques, presets and targets, each with availability and hint."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        found = run(space, describe_flow(), output.watch)
        presets = _preset_rows(space.paths.presets)
    groups = {
        "devices": found.devices,
        "runtimes": found.runtimes,
        "techniques": found.techniques,
        "presets": presets,
        "targets": found.targets,
    }
    fields = {"id", "title", "available", "hint"}
    output.document({name: [row.model_dump(include=fields) for row in rows] for name, rows in groups.items()})
    for name, rows in groups.items():
        output.text(name)
        for row in rows:
            state = "" if row.available else f"  (not available: {row.hint})"
            output.text(f"  {row.id:<18} {row.title}{state}")
    missing = sum(1 for rows in groups.values() for row in rows if not row.available)
    output.sentence("Everything is available." if not missing else "What is marked “not available” says how to get it.")
    return OK


def _preset_rows(folder: Path) -> tuple[Described, ...]:
    """Return all presets; a person's file that cannot be used says why."""
    catalog = load_presets(folder)
    rows = [Described(id=preset.id, title=preset.title, available=True) for preset in catalog.presets]
    rows += [
        Described(
            id=problem.path.stem, title=problem.path.name, available=False, hint=f"{problem.detail} {problem.hint}"
        )
        for problem in catalog.problems
    ]
    return tuple(rows)


@dataclass(frozen=True)
class InspectOptions:
    """The options of `fettle inspect`."""

    shapes: tuple[str, ...] = ()
    preprocess: str | None = None
    allow_code: bool = False
    data: Path | None = None
    text_column: str | None = None
    label_column: str | None = None
    task: str | None = None
    score_threshold: float | None = None


def inspect(output: Output, model: Path, options: InspectOptions) -> int:
    """Open a model in a sandboxed worker and print its facts, and with data the inputs made of them."""
    params = OpenParams(
        path=str(model.absolute()),
        shapes=parse_shapes(list(options.shapes)),
        preprocess=options.preprocess,
        allow_code=options.allow_code,
        task=known_task(options.task),
        score_threshold=options.score_threshold,
    )
    check_exists(model, any_name=True)
    fed = None
    if options.data is None:
        with workspace(output.options, writes=False, notice=output.notice) as space:
            info = run(space, inspect_model(params), output.watch)
    else:
        check_exists(options.data)
        asked = data_params(options.data, None, options.text_column, options.label_column)
        with workspace(output.options, writes=True, notice=output.notice) as space:
            info, fed = run(space, inspect_fed(params, asked), output.watch)
    document = info.model_dump(mode="json", exclude={"name", "architecture"})
    output.document(document if fed is None else {**document, "fed": fed_document(fed)})
    output.text(f"{info.name}: {info.format}, {info.task}, {info.parameters:,} parameters, {info.size_bytes:,} bytes")
    for word, specs in (("in ", info.inputs), ("out", info.outputs)):
        for spec in specs:
            output.text(f"  {word} {spec.name}  {list(spec.shape)} {spec.dtype}  {spec.meaning}")
    for finding in info.findings:
        output.text(f"  {finding.level}: {finding.what}")
    for line in fed_lines(fed.result) if fed is not None else ():
        output.text(line)
    output.sentence(f"Opened safely: {info.architecture or info.format}.")
    return OK


def compare(output: Output, run_id: str, against: str | None = None) -> int:
    """Print the stored comparison; the exit code is 4 without a recommendation or a safe judged model."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        watched = read_watched(space.repositories, run_id)
        items = judged_items(space.artifacts, facts)
        if against is None:
            found = None
        else:
            other = read_facts(space, against)
            found = run(space, compare_against(space.artifacts, facts, other), output.watch)
    variants = facts.variants if found is None else found.variants
    document = compare_document(facts.run, variants, facts.outcome, items, facts.cards, facts.findings)
    headline = with_misfit(facts.run.headline, facts.findings)
    if found is not None:
        document = against_document(document, found)
        headline = f"Judged against “{found.other.title}” of the run {found.other_run.id}; times were not taken in turn"
    document["watch"] = watched_document(watched)
    output.document(document)
    for line in version_lines(variants, facts.run.recommended_variant_id, cards=facts.cards):
        output.text(line)
    if watched is not None and found is None:
        output.text(watched_words(watched))
    for sentence in disturbed(facts.recommended):
        output.text(f"   {sentence}")
    output.sentence(f"{headline.rstrip('.')}.")
    beside = facts.judged_beside
    good = is_safe(beside) if beside is not None else bool(facts.run.recommended_variant_id)
    return OK if good else KEPT_ORIGINAL


def bench(output: Output, model: Path, options: BenchOptions) -> int:
    """Print latency, throughput and memory of one model by batch size; RUN/VERSION names a stored one."""
    batches = parse_batches(options.batch)
    if len(model.parts) == 2 and not os.path.lexists(model):
        return _bench_version(output, *model.parts, batches, options)
    params = OpenParams(
        path=str(model.absolute()),
        allow_code=options.allow_code,
        shapes=parse_shapes(list(options.shapes)),
        preprocess=options.preprocess,
    )
    check_exists(model, any_name=True)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        if options.runtime is not None:
            check_runtimes(run(space, describe_flow(), output.watch), [options.runtime])
        flow = bench_model(
            params, options.runtime, batches, options.scenario, options.seconds, options.threads, options.engine
        )
        result = run(space, flow, output.watch)
    return _tell_bench(output, result)


def _bench_version(
    output: Output, run_id: str, variant_id: str, batches: tuple[int, ...], options: BenchOptions
) -> int:
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        variant = version_of(facts, variant_id)
        check_stored(space, facts, variant)
        flow = bench_version(
            facts, variant, batches, options.scenario, options.seconds, options.threads, options.engine
        )
        result = run(space, flow, output.watch)
    return _tell_bench(output, result)


def _tell_bench(output: Output, result: BenchResult) -> int:
    document = {"points": _points(result), "knee_batch": result.knee_batch, "measured_with": result.measured_with}
    if result.speech:
        document["speech"] = [row.model_dump(mode="json") for row in result.speech]
    output.document(document)
    for point in result.points:
        latency = point.latency
        output.text(
            f"  batch {point.batch:>4}  p50 {in_ms(latency.p50_ms)}  p90 {in_ms(latency.p90_ms)}  "
            f"{point.throughput_per_s:.1f} per second{'  (not valid)' if point.valid is False else ''}"
        )
        for line in card_lines(point.card):
            output.text(line)
    for row in result.speech:
        rate = "" if row.tokens_per_s is None else f", then {row.tokens_per_s:.1f} a second"
        output.text(f"  prompt of {row.prompt_tokens:>4}  first token {in_ms(row.first_ms)}{rate}  n {row.n}")
    output.text(f"  {result.measured_with}")
    output.sentence(conclusion(result))
    return OK


def _points(result: BenchResult) -> list[dict[str, Any]]:
    return [
        {
            "batch": point.batch,
            "p50_ms": point.latency.p50_ms,
            "p90_ms": point.latency.p90_ms,
            "p99_ms": point.latency.p99_ms,
            "throughput_per_s": point.throughput_per_s,
            "peak_memory_bytes": point.peak_memory_bytes,
            "n": point.latency.n,
            "valid": point.valid,
            "reasons": list(point.reasons),
            **({} if point.card is None else {"card": card_document(point.card)}),
        }
        for point in result.points
    ]


def verify(output: Output, bundle: Path, allow_code: bool) -> int:
    """Verify hashes and golden answers; the exit code is 3 if anything differs."""
    check_exists(bundle)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        key = fingerprint(own_key(space.paths))
        result = run(space, verify_flow(space, bundle.absolute(), key, allow_code=allow_code), output.watch)
    output.document(result.model_dump(mode="json"))
    for finding in result.findings:
        output.text(f"  {finding.level}: {finding.what}")
    output.sentence(
        "The bundle is whole and answers alike." if result.ok else "The bundle was changed or answers otherwise."
    )
    return OK if result.ok else REFUSED


def jobs(output: Output) -> int:
    """Print runs and their jobs, newest first."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        repositories = space.repositories
        names = {project.id: project.name for project in repositories.projects.list()}
        runs = sorted(repositories.runs.list(), key=lambda run: run.created_at, reverse=True)
        history = repositories.jobs.list()
    run_rows = [
        {
            "run_id": run.id,
            "project_id": run.project_id,
            "project": names.get(run.project_id, ""),
            "state": run.state.value,
            "created_at": run.created_at.isoformat(),
            "seconds": run.seconds,
            "headline": run.headline,
        }
        for run in runs
    ]
    job_rows = [
        {
            "id": job.id,
            "run_id": job.run_id,
            "kind": job.kind,
            "title": job.title,
            "state": job.state,
            "device": job.device,
            "created_at": job.created_at.isoformat(),
            "log": job.log_path,
        }
        for job in history
    ]
    output.document({"runs": run_rows, "jobs": job_rows})
    for row in run_rows:
        output.text(
            f"  {row['run_id']}  {row['created_at']:.19}  {row['state']:<14} {row['project']}: {row['headline']}"
        )
    running = sum(1 for run in runs if run.state in ("running", "queued"))
    output.sentence(f"{len(runs)} runs, {running} of them not finished yet." if running else f"{len(runs)} runs.")
    return OK
