"""Commands that look: describe, inspect, compare, jobs, bench, verify."""

from pathlib import Path

from app.cli.options import parse_batches, parse_shapes
from app.cli.output import OK, REFUSED, Output, usage
from app.cli.session import run, workspace
from app.domain.words import verdict_words
from app.services.benching import Scenario, bench_model
from app.services.describing import describe as describe_flow
from app.services.documents import compare_document
from app.services.exporting import verify as verify_flow
from app.services.facts import read_facts
from app.services.opening import inspect_model
from presets.loader import load_presets
from workers.contracts.jobs import OpenParams
from workers.contracts.specs import Described


def describe(output: Output) -> int:
    """Devices, runtimes, techniques, presets and targets, each with availability and hint."""
    with workspace(output.options, writes=False) as space:
        found = run(space, describe_flow(), output.watch)
        presets = tuple(
            Described(id=preset.id, title=preset.title, available=True, summary=preset.summary)
            for preset in load_presets(space.paths.presets).presets
        )
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
    output.sentence("Everything that is marked “not available” says how to get it.")
    return OK


def inspect(output: Output, model: Path, shapes: list[str], preprocess: str | None, allow_code: bool) -> int:
    """Open a model safely, in a sandboxed worker, and tell what it is."""
    params = OpenParams(
        path=str(model.absolute()), shapes=parse_shapes(shapes), preprocess=preprocess, allow_code=allow_code
    )
    with workspace(output.options, writes=False) as space:
        info = run(space, inspect_model(params), output.watch)
    output.document(info.model_dump(mode="json", exclude={"name", "architecture"}))
    output.text(f"{info.name}: {info.format}, {info.task}, {info.parameters:,} parameters, {info.size_bytes:,} bytes")
    for word, specs in (("in ", info.inputs), ("out", info.outputs)):
        for spec in specs:
            output.text(f"  {word} {spec.name}  {list(spec.shape)} {spec.dtype}  {spec.meaning}")
    for finding in info.findings:
        output.text(f"  {finding.level}: {finding.what}")
    output.sentence(f"Opened safely: {info.architecture or info.format}.")
    return OK


def compare(output: Output, run_id: str) -> int:
    """The comparison again, from what is stored."""
    with workspace(output.options, writes=False) as space:
        facts = read_facts(space, run_id)
    output.document(compare_document(facts.run, facts.variants))
    output.text(facts.run.headline)
    for variant in facts.variants:
        verdict = "to compare with" if variant.is_baseline else verdict_words(variant)
        p50 = variant.measurement.latency_p50_ms
        time = "not measured" if p50 is None else f"{p50:.3g} ms"
        output.text(f"  {variant.id}  {variant.title:<40} {time:>12}  {verdict}")
    output.sentence(facts.run.headline + ".")
    return OK


def bench(output: Output, model: Path, runtime: str, batch: str, scenario: Scenario, seconds: float) -> int:
    """Latency, throughput and memory of one model, by batch size."""
    if seconds <= 0:
        raise usage("--seconds must be more than 0.")
    params = OpenParams(path=str(model.absolute()))
    with workspace(output.options, writes=True) as space:
        flow = bench_model(params, runtime, parse_batches(batch), scenario, seconds)
        result = run(space, flow, output.watch)
    points = [
        {
            "batch": point.batch,
            "p50_ms": point.latency.p50_ms,
            "p90_ms": point.latency.p90_ms,
            "p99_ms": point.latency.p99_ms,
            "throughput_per_s": point.throughput_per_s,
            "peak_memory_bytes": point.peak_memory_bytes,
            "n": point.latency.n,
        }
        for point in result.points
    ]
    output.document({"points": points, "knee_batch": result.knee_batch})
    for point in result.points:
        latency = point.latency
        output.text(
            f"  batch {point.batch:>4}  p50 {latency.p50_ms:.3g} ms  p90 {latency.p90_ms:.3g} ms  "
            f"{point.throughput_per_s:.1f} per second"
        )
    output.sentence(f"Batch {result.knee_batch} gives 95 % of the best throughput.")
    return OK


def verify(output: Output, bundle: Path) -> int:
    """Hashes and golden answers; exit code 3 if anything differs."""
    with workspace(output.options, writes=False) as space:
        result = run(space, verify_flow(bundle.absolute()), output.watch)
    output.document(result.model_dump(mode="json"))
    for finding in result.findings:
        output.text(f"  {finding.level}: {finding.what}")
    output.sentence(
        "The bundle is whole and answers alike." if result.ok else "The bundle was changed or answers otherwise."
    )
    return OK if result.ok else REFUSED


def jobs(output: Output) -> int:
    """Runs and jobs, newest first."""
    with workspace(output.options, writes=False) as space:
        repositories = space.repositories
        names = {project.id: project.name for project in repositories.projects.list()}
        runs = sorted(repositories.runs.list(), key=lambda run: run.created_at, reverse=True)
    rows = [
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
    output.document({"jobs": rows})
    for row in rows:
        output.text(
            f"  {row['run_id']}  {row['created_at']:.19}  {row['state']:<14} {row['project']}: {row['headline']}"
        )
    output.sentence(f"{len(rows)} runs.")
    return OK
