"""Run the commands describe, inspect, compare, jobs, bench, verify, monitor and docs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.options.arguments import (
    AllowCode,
    LabelColumn,
    Model,
    Preprocess,
    Run,
    ScoreThreshold,
    Shapes,
    Task,
    TextColumn,
    Threads,
    opening_of,
)  # fmt: skip
from app.cli.options.inputs import check_exists, parse_batches
from app.cli.output import KEPT_ORIGINAL, OK, REFUSED, Output, usage
from app.cli.session import run, workspace
from app.cli.tables import card_lines, disturbed, version_lines, with_misfit
from app.domain.choose import is_safe
from app.help import task_pages
from app.services.after.benching import bench_model, bench_version, conclusion
from app.services.after.bundles import monitor as monitored
from app.services.after.bundles import verify as verify_flow
from app.services.after.comparing import against_document, compare_against
from app.services.after.exporting import version_of
from app.services.after.run_data import judged_items
from app.services.after.watching import read_watched, watched_document, watched_words
from app.services.data.examples import inspect_fed
from app.services.flow.steps import StepResult
from app.services.machine.devices import check_runtimes
from app.services.machine.devices import describe as describe_flow
from app.services.opening.opening import inspect_model
from app.services.projects.running import data_params
from app.services.records.documents import card_document, compare_document, speech_rows
from app.services.records.facts import check_stored, read_facts
from app.signing_key import fingerprint, own_key
from presets.loader import load_presets
from workers.contracts.after.load import Scenario
from workers.contracts.data.fed import FedResult, range_words, shape_words
from workers.contracts.jobs import BenchResult
from workers.contracts.specs import Described
from workers.contracts.wording import in_ms

NAME_CHARS = 40


def fed_document(done: StepResult[FedResult]) -> dict[str, Any]:
    """Return the key `fed` of the JSON document: the result with absolute paths of pictures."""
    document: dict[str, Any] = done.result.model_dump(mode="json")
    for example in document["examples"]:
        if example["picture"] is not None:
            example["picture"] = str(done.folder / example["picture"])
    return document


def fed_lines(fed: FedResult) -> Iterator[str]:
    """Yield a short table: each example with each input's shape, dtype and range."""
    how = f"prepared: {fed.preparation}" if fed.preparation else "as they are"
    yield f"what the model is fed ({how})"
    rows = [
        (_short(example.source) if number == 0 else "", entry.name, shape_words(entry), entry.dtype, range_words(entry))
        for example in fed.examples
        for number, entry in enumerate(example.inputs)
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row in rows:
        yield "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
    for finding in fed.findings:
        yield f"  {finding.level}: {finding.what} {finding.hint}".rstrip()


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARS else f"{name[: NAME_CHARS - 1]}…"


def describe(output: Output) -> int:
    """List devices, runtimes, techniques, presets and export targets, and how to get those that are missing."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        described = run(space, describe_flow(), output.watch)
        presets = _preset_rows(space.paths.presets)
    groups = {name: getattr(described, name) for name in ("devices", "runtimes", "techniques")}
    groups |= {"presets": presets, "targets": described.targets}
    fields = {"id", "title", "available", "hint"}
    output.document({name: [row.model_dump(include=fields) for row in rows] for name, rows in groups.items()})
    for name, rows in groups.items():
        output.text(name)
        for row in rows:
            state = "" if row.available else f"  (not available: {row.hint})"
            output.text(f"  {row.id:<18} {row.title}{state}")
    missing = sum(1 for rows in groups.values() for row in rows if not row.available)
    hint = "Each line marked “not available” has a hint on how to get it."
    output.sentence(hint if missing else "Everything is available.")
    return OK


def _preset_rows(folder: Path) -> tuple[Described, ...]:
    """Return all presets; a user's file that cannot be used has the reason as its hint."""
    catalog = load_presets(folder)
    rows = [Described(id=preset.id, title=preset.title, available=True) for preset in catalog.presets]
    for problem in catalog.problems:
        path, hint = problem.path, f"{problem.detail} {problem.hint}"
        rows.append(Described(id=path.stem, title=path.name, available=False, hint=hint))
    return tuple(rows)


def inspect(
    output: Output,
    model: Model,
    shapes: Shapes = [],  # noqa: B006 - typer copies it
    preprocess: Preprocess = None,
    allow_code: AllowCode = False,
    data: Annotated[Path | None, Option(help="Also show what the model receives of these examples.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    task: Task = None,
    score_threshold: ScoreThreshold = None,
) -> int:
    """Open a model safely and print its facts; no code in it is run."""
    params = opening_of(model, shapes, preprocess, allow_code, task, score_threshold=score_threshold)
    check_exists(model, any_name=True)
    fed = None
    if data is None:
        with workspace(output.options, writes=False, notice=output.notice) as space:
            info = run(space, inspect_model(params), output.watch)
    else:
        check_exists(data)
        requested = data_params(data, None, text_column, label_column)
        with workspace(output.options, writes=True, notice=output.notice) as space:
            info, fed = run(space, inspect_fed(params, requested), output.watch)
    document = info.model_dump(mode="json", exclude={"name", "architecture"})
    output.document(document if fed is None else {**document, "fed": fed_document(fed)})
    output.text(f"{info.name}: {info.format}, {info.task}, {info.parameters:,} parameters, {info.size_bytes:,} bytes")
    for word, specs in (("in ", info.inputs), ("out", info.outputs)):
        for spec in specs:
            output.text(f"  {word} {spec.name}  {list(spec.shape)} {spec.dtype}  {spec.meaning}")
    for finding in info.findings:
        output.finding(finding.level, finding.what)
    for line in fed_lines(fed.result) if fed is not None else ():
        output.text(line)
    problem = next((finding.what for finding in info.findings if finding.level == "danger"), None)
    output.sentence(problem or f"Opened safely: {info.architecture or info.format}.")
    return OK


def compare(
    output: Output,
    run_id: Run,
    against: Annotated[str | None, Option(metavar="RUN", help="Judge against that run's result instead.")] = None,
) -> int:
    """Print the stored comparison of a run; the exit code is 4 without a recommendation or a safe judged model."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        watched = read_watched(space.repositories, run_id)
        items = judged_items(space.artifacts, facts)
        reference, variants = None, facts.variants
        if against is not None:
            flow = compare_against(space.artifacts, facts, read_facts(space, against))
            reference, variants = run(space, flow, output.watch)
    document = compare_document(facts.run, variants, facts.outcome, items, facts.cards, facts.findings)
    headline = with_misfit(facts.run.headline, facts.findings)
    if reference is not None:
        document = against_document(document, reference)
        headline = f"Judged against “{reference.title}” of the run {reference.run_id}; times were not taken in turn"
    document["watch"] = watched_document(watched)
    output.document(document)
    for line in version_lines(variants, facts.run.recommended_variant_id, cards=facts.cards):
        output.text(line)
    if watched is not None and reference is None:
        output.text(watched_words(watched))
    for sentence in disturbed(facts.recommended):
        output.text(f"   {sentence}")
    output.sentence(f"{headline.rstrip('.')}.")
    file = facts.judged_other
    good = is_safe(file) if file is not None else bool(facts.run.recommended_variant_id)
    return OK if good else KEPT_ORIGINAL


def bench(
    output: Output,
    model: Model,
    runtime: Annotated[str | None, Option(metavar="ID", help="Runtime instead of the model's own.")] = None,
    batch: Annotated[str, Option(metavar="1,4,16")] = "1",
    scenario: Annotated[Scenario, Option()] = "single-stream",
    seconds: Annotated[float, Option(min=0.1, max=3600, help="Seconds for each batch size.")] = 10.0,
    preprocess: Preprocess = None,
    shapes: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
    threads: Threads = None,
) -> int:
    """Print latency, throughput and memory of one model by batch size; RUN/VERSION names a stored one."""
    how = (parse_batches(batch), scenario, seconds, threads)
    is_stored = len(model.parts) == 2 and not os.path.lexists(model)
    opening = opening_of(model, shapes, preprocess, allow_code)
    if not is_stored:
        check_exists(model, any_name=True)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        if is_stored:
            facts = read_facts(space, model.parts[0])
            variant = version_of(facts, model.parts[1])
            check_stored(space, facts, variant)
            flow = bench_version(facts, variant, *how)
        else:
            if runtime is not None:
                check_runtimes(run(space, describe_flow(), output.watch), [runtime])
            flow = bench_model(opening, runtime, *how)
        result = run(space, flow, output.watch)
    document = {"points": _points(result), "knee_batch": result.knee_batch, "measured_with": result.measured_with}
    if result.speech:
        document["speech"] = speech_rows(result.speech)
    output.document(document)
    for point in result.points:
        latency = point.latency
        output.text(
            f"  batch {point.batch:>4}  p50 {in_ms(latency.p50_ms)}  p90 {in_ms(latency.p90_ms)}  "
            f"{point.throughput_per_s:.1f} per second{'' if point.valid else '  (not valid)'}"
        )
        for line in card_lines(point.card):
            output.text(line)
    for row in result.speech:
        rate = "" if row.tokens_per_s is None else f", then {row.tokens_per_s:.1f} a second"
        reading = f"{in_ms(row.first_ms)} ({row.prompt_tokens_per_s:,.0f} tokens a second)"
        output.text(f"  prompt of {row.prompt_tokens:>4}  first token {reading}{rate}  n {row.n}")
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


def verify(output: Output, bundle: Annotated[Path, Argument(metavar="BUNDLE")], allow_code: AllowCode = False) -> int:
    """Verify hashes and golden answers of a bundle; the exit code is 3 if anything differs."""
    check_exists(bundle)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        key = fingerprint(own_key(space.paths))
        result = run(space, verify_flow(space, bundle.absolute(), key, allow_code=allow_code), output.watch)
    output.document(result.model_dump(mode="json"))
    for finding in result.findings:
        output.finding(finding.level, finding.what)
    whole, changed = "The bundle is whole and answers alike.", "The bundle was changed or answers otherwise."
    output.sentence(whole if result.ok else changed)
    return OK if result.ok else REFUSED


def jobs(output: Output) -> int:
    """Print runs and their jobs, newest first."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        repositories = space.repositories
        titles = {project.id: project.name for project in repositories.projects.list()}
        runs = sorted(repositories.runs.list(), key=lambda run: run.created_at, reverse=True)
        history = repositories.jobs.list()
    run_rows = [
        {
            "run_id": run.id,
            "project_id": run.project_id,
            "project": titles.get(run.project_id, ""),
            "state": run.state.value,
            "created_at": run.created_at.isoformat(),
            "seconds": run.seconds,
            "headline": run.headline,
            "computer": run.goal.computer,
        }
        for run in runs
    ]
    names = ("id", "run_id", "kind", "title", "state", "device")
    job_rows = [
        {**{name: getattr(job, name) for name in names}, "created_at": job.created_at.isoformat(), "log": job.log_path}
        for job in history
    ]
    output.document({"runs": run_rows, "jobs": job_rows})
    for row in run_rows:
        where = f" on {row['computer']}" if row["computer"] else ""
        when, what = f"{row['created_at']:.19}", f"{row['project']}{where}: {row['headline']}"
        output.text(f"  {row['run_id']}  {when}  {row['state']:<14} {what}")
    running = sum(1 for run in runs if run.state in ("running", "queued"))
    output.sentence(f"{len(runs)} runs, {running} of them not finished yet." if running else f"{len(runs)} runs.")
    return OK


def monitor(
    output: Output,
    log: Annotated[Path, Argument(metavar="LOG", help="Log folder or file written by run.py or serve.py with --log.")],
) -> int:
    """Print what a bundle's log shows: drift, alarms, and what to do."""
    check_exists(log, any_name=True)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        result = run(space, monitored(log.absolute()), output.watch)
    output.document(result.model_dump(mode="json"))
    for alert in result.alerts:
        output.finding(alert.level, alert.what)
        output.text(f"      {alert.advice}")
    for row in result.drift.statistics:
        before = "unknown" if row.before is None else f"{row.before:.3g}"
        counts = f"{row.n:,} requests compared with {row.expected:,}"
        output.text(f"  {row.title}: {row.now:.3g}, before {before} ({counts})")
    for note in result.drift.notes:
        output.text(f"  note: {note}")
    output.sentence(result.drift.summary)
    return OK


Topic = Annotated[str | None, Argument(metavar="TOPIC", help="A topic of the list.", show_default=False)]


def docs(output: Output, topic: Topic = None) -> int:
    """Print a task page; without TOPIC, list them. Works offline."""
    pages = task_pages()
    if topic is None:
        output.document({"topics": [{"topic": page.topic, "title": page.title} for page in pages.values()]})
        for page in pages.values():
            output.text(f"  {page.topic:<12} {page.title}")
        output.sentence("Print one with 'fettle docs TOPIC'.")
        return OK
    if topic not in pages:
        raise usage(f"There is no task page {topic!r}.", f"Choose one of: {', '.join(pages)}.")
    page = pages[topic]
    output.document({"topic": page.topic, "title": page.title, "text": page.text})
    output.text(page.text)
    return OK
