"""Measure a run's original and one of its versions under load: parts in turn, each in a fresh process."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from app.domain.variant import Variant
from app.domain.words.results import times
from app.services.flow.steps import Flow, JobError, JobStep, Measured, MeasureStep, Refused
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.records.after_run import LoadRecord, read_load, write_load
from app.services.records.facts import RunFacts, check_stored
from app.services.run.costs import IN_TURN
from app.services.run.version_steps import measured_variant, stored_version, summarize, threads_of
from workers.contracts.after.load import (
    CapacityResult,
    ColdParams,
    ColdTimes,
    LoadParams,
    LoadResult,
    Paired,
    Part,
    VersionLoad,
)
from workers.contracts.base import Rows
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.process.messages import Limits
from workers.contracts.specs import RunParams
from workers.contracts.text import Text
from workers.contracts.translation import _, joined, localized, mark
from workers.contracts.wording import about as expected
from workers.contracts.wording import percent

PRESETS_S = (10.0, 60.0)
"""Seconds per part to choose from."""
PARTS: tuple[Part, ...] = ("sweep", "serving")
TITLES: dict[Part, str] = {
    "sweep": mark("Batch sizes"),
    "serving": mark("Request rates"),
    "prompts": mark("Short and long prompts"),
    "capacity": mark("Most requests within the limit"),
}
TITLE_PAIRED, TITLE_COLD = mark("Both in turn"), mark("Cold start")
COLD_STARTS = 5
PAIRED_SETS, PAIRED_PACE = 5, replace(IN_TURN, block_max_s=1.2)
START_S, WARMUP_S, COLD_S, SET_S = 1.5, 3.0, 1.5, 4.0
"""Approximate seconds of starting a process, warming up a part, a cold start, and a side-by-side set of processes."""
MAX_PART_S = 60.0
CAPACITY_TRIES = 5
"""Usual number of rates to try until the highest possible one is known."""
RAPL = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Stage:
    """One step of the measurement; `index` is its position, `expected_s` its approximate duration in seconds."""

    index: int
    title: Text
    expected_s: float
    part: Part | None = None
    variant: Variant | None = None
    is_cold: bool = False


def stages(
    facts: RunFacts, variant: Variant | None, seconds: float, limit_ms: float | None = None
) -> tuple[Stage, ...]:
    """Return all steps in order: each part measures one version after the other, in reversed order in each second part.

    A language model also gets prompts of several lengths. With a latency limit, the highest rate within it is measured.
    """
    versions = [facts.baseline] + ([variant] if variant is not None else [])
    plan: list[Stage] = []
    parts: list[Part] = [*PARTS]
    if facts.baseline.id in facts.speech:
        parts.append("prompts")
    if limit_ms is not None:
        parts.append("capacity")
    for number, part in enumerate(parts):
        measured_s = seconds * CAPACITY_TRIES if part == "capacity" else min(seconds, MAX_PART_S)
        for version in versions if number % 2 == 0 else versions[::-1]:
            title = f"{TITLES[part]}: {version.title}"
            plan.append(Stage(len(plan), title, measured_s + START_S + WARMUP_S, part, version))
    cold_s = COLD_S * (COLD_STARTS + 1) * len(versions)
    plan.append(Stage(len(plan), TITLE_COLD, cold_s, is_cold=True))
    if variant is not None:
        plan.append(Stage(len(plan), TITLE_PAIRED, PAIRED_SETS * SET_S))
    return tuple(plan)


def measure_load(
    workspace: Workspace,
    facts: RunFacts,
    variant: Variant | None,
    seconds: float,
    limit_ms: float | None = None,
) -> Flow[LoadRecord]:
    """Measure the load where the run measured, and store it.

    Parts that were measured before an interruption are reused; a repeated measurement makes all of them anew.

    Raises:
        JobError: Files are gone, or no part of a version could be measured.
    """
    versions = {version.id: version for version in (facts.baseline, variant) if version is not None}
    for version in versions.values():
        check_stored(workspace, facts, version, contents=False)
    described = yield from describe()
    earlier = read_load(workspace.repositories, facts.run.id).get((variant or facts.baseline).id)
    round_ = earlier.round + 1 if earlier is not None else 0
    loads = {v.id: VersionLoad(variant_id=v.id, title=v.title, runtime=v.runtime) for v in versions.values()}
    plan = stages(facts, variant, seconds, limit_ms)
    for stage in plan:
        if stage.part is not None and stage.variant is not None:
            known = loads[stage.variant.id]
            loads[stage.variant.id] = yield from _part(facts, stage, known, seconds, round_, limit_ms)
    for load in loads.values():
        if load.sweep is None and load.serving is None:
            raise _not_measured(load)
    cold = next(stage for stage in plan if stage.is_cold)
    times = yield from _cold(facts, list(versions.values()), cold, round_)
    for version_id, cold_times in zip(versions, times.rows, strict=True):
        loads[version_id] = loads[version_id].model_copy(update={"cold": cold_times})
    paired = None
    if variant is not None:
        paired = yield from _paired(facts, variant, loads, plan[-1])
    device = facts.device if facts.run.goal.computer and facts.device is not None else described.device
    record = LoadRecord(
        run_id=facts.run.id,
        seconds=seconds,
        made_at=datetime.now(UTC),
        processor=device.processor,
        cores=threads_of(facts),
        original=loads[facts.baseline.id],
        variant=loads[variant.id] if variant is not None else None,
        paired=paired,
        round=round_,
    )
    write_load(workspace.repositories, record)
    return record


def energy_files() -> tuple[Path, ...]:
    """Return RAPL's energy counters of whole processors that are readable here."""
    files = []
    for zone in sorted(RAPL.glob("intel-rapl:?")):
        file = zone.resolve() / "energy_uj"
        try:
            file.read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
        files.append(file)
    return tuple(files)


def _part(
    facts: RunFacts, stage: Stage, load: VersionLoad, seconds: float, round_: int, limit_ms: float | None
) -> Flow[VersionLoad]:
    """Return the load of a version with one part more; a part that does not fit the model is noted, not fatal."""
    part, variant = stage.part, stage.variant
    assert part is not None and variant is not None
    version = stored_version(facts, variant)
    counters = energy_files() if part == "sweep" and not version.computer else ()  # those of this computer
    params = LoadParams(
        **version.parameters(),
        data_dir=str(facts.data_dir),
        part=part,
        seconds=seconds,
        limit_ms=limit_ms if part == "capacity" else None,
        energy_files=tuple(str(file) for file in counters),
        round=round_,
    )
    step = version.step(
        "load",
        params,
        LoadResult,
        facts.data_dir,
        (file.parent for file in counters),
        title=stage.title,
        cache=True,
        # ten minutes on all cores exceed the usual limit of processor time
        limits=version.limits.model_copy(update={"cpu_s": None}),
        threads=threads_of(facts),
        computer=facts.run.goal.computer,
        seed=facts.run.goal.seed,
        step_index=stage.index,
    )
    try:
        done = yield from step.run()
    except JobError as error:
        if error.ends_run:
            raise
        report = f"{TITLES[part]}: {error.error.detail}"
        return load.model_copy(update={"missing": (*load.missing, report)})
    return _with(load, done.result)


def _with(load: VersionLoad, result: LoadResult) -> VersionLoad:
    busy = [share for share in (load.busy_share, result.busy_share) if share is not None]
    changes: dict[str, object] = {"busy_share": max(busy) if busy else None}
    for name in ("sweep", "serving", "prompts", "capacity"):
        if getattr(result, name):
            changes[name] = getattr(result, name)
    return load.model_copy(update=changes)


def _cold(facts: RunFacts, versions: list[Variant], stage: Stage, round_: int) -> Flow[Rows[ColdTimes]]:
    opened = [stored_version(facts, variant) for variant in versions]
    models = tuple(RunParams(**version.parameters()) for version in opened)
    gpu = any(version.limits.gpu for version in opened)
    done = yield from JobStep(
        "cold",
        ColdParams(models=models, data_dir=str(facts.data_dir), repeats=COLD_STARTS, round=round_),
        Rows[ColdTimes],
        stage.title,
        (*(version.model_dir for version in opened), facts.data_dir),
        cache=True,
        limits=Limits(start_programs=True, gpu=gpu),
        threads=threads_of(facts),
        computer=facts.run.goal.computer,
        step_index=stage.index,
    ).run()
    return done.result


def _paired(facts: RunFacts, variant: Variant, loads: dict[str, VersionLoad], stage: Stage) -> Flow[Paired | None]:
    """Measure both versions side by side at their own best batch sizes, and compare milliseconds per answer."""
    versions = (facts.baseline, variant)
    batches = [_knee(loads[version.id]) for version in versions]
    variants = tuple(
        measured_variant(stored_version(facts, version), facts.data_dir, batch)
        for version, batch in zip(versions, batches, strict=True)
    )
    measured: Measured = yield MeasureStep(
        variants,
        title=stage.title,
        sets=PAIRED_SETS,
        pace=PAIRED_PACE,
        threads=threads_of(facts),
        computer=facts.run.goal.computer,
        step_index=stage.index,
    )
    if any(failure is not None for failure in measured.failures):
        return None
    each = tuple(
        tuple(tuple(ms / batch for ms in one_set) for one_set in sets)
        for sets, batch in zip(measured.latencies_ms, batches, strict=True)
    )
    before, after = yield from summarize(replace(measured, latencies_ms=each, loads=()))  # loads count whole batches
    if before is None or after is None:
        return None
    return Paired(
        original_batch=batches[0],
        variant_batch=batches[1],
        original_per_s=before.throughput_per_s,
        variant_per_s=after.throughput_per_s,
        ratio=after.speedup,
        ratio_low=after.speedup_low,
        ratio_high=after.speedup_high,
        n=min(before.latency.n, after.latency.n),
        sets=len(measured.latencies_ms[0]),
        busy_share=measured.busy_share,
    )


def _knee(load: VersionLoad) -> int:
    return load.sweep.knee_batch if load.sweep is not None else 1


def best_per_s(load: VersionLoad) -> float | None:
    """Return the answers per second at the best batch size, None if batch sizes were not measured."""
    return load.sweep.best.throughput_per_s if load.sweep is not None else None


def busiest(record: LoadRecord) -> float | None:
    """Return the largest share of the processor that other programs used during a part."""
    shares = [load.busy_share for load in (record.original, record.variant) if load is not None]
    return max((share for share in shares if share is not None), default=None)


def _not_measured(load: VersionLoad) -> JobError:
    detail = load.missing[0] if load.missing else mark("Nothing could be measured.")
    hint = mark("Choose another version, or optimize the model again.")
    why = _("“{0}”: {1}").format(_(load.title), _(detail))
    return Refused("nothing_measured", mark("This could not be measured under load"), why, hint)


def headline(record: LoadRecord) -> str:
    """Return the requests per second, compared with the original's if both were measured side by side."""
    paired, variant = record.paired, record.variant
    if variant is None or paired is None:
        version = variant or record.original
        per_s = best_per_s(version)
        if per_s is None:
            return _("“{0}” gave no valid measurement on this computer.").format(_(version.title))
        return _("On this computer “{0}” answers about {1} requests a second.").format(_(version.title), about(per_s))
    low, high = paired.ratio_low, paired.ratio_high
    text = _("On this computer “{0}” answers about {1} requests a second, {2} times the original's.")
    if low is not None and high is not None and low <= 1 <= high:
        text = _("On this computer “{0}” answers about {1} requests a second, about as many as the original.")
    return text.format(_(variant.title), about(paired.variant_per_s), times(paired.ratio))


def plan_words(plan: tuple[Stage, ...], seconds: float) -> str:
    """Return how long the measurement takes as a whole: `seconds` is the time of one of its steps."""
    total_s = sum(stage.expected_s for stage in plan)
    return _("{0} steps of {1:g} s or more each, {2} in all.").format(len(plan), seconds, expected(total_s))


def about(per_s: float) -> str:
    """Return a rate with three significant digits: 1,350; 42.1; 0.731."""
    if per_s >= 100:
        digits = len(str(int(per_s))) - 3
        return localized(round(per_s, -digits), ",.0f")
    return localized(per_s, ".3g")


def capacity_words(result: CapacityResult) -> str:
    """Return the highest rate within the limit, the lowest above it, and whether predictions changed under load."""
    limit_ms, too_many = result.limit_ms, about(result.too_many_per_s or 0.0)
    if result.per_s is not None:
        parts = [_("{0} requests a second, 99 % within {1:g} ms").format(about(result.per_s), limit_ms)]
        if result.too_many_per_s is not None:
            parts.append(_("{0} were too many").format(too_many))
    elif any(one.kept is None for one in result.tries):
        text = _("too few requests to say how many are answered 99 % within {0:g} ms: measure longer")
        parts = [text.format(limit_ms)]
    else:
        parts = [_("even {0} requests a second are too many for 99 % within {1:g} ms").format(too_many, limit_ms)]
    if result.changed:
        text = _("{0:,} of {1:,} answers under load were others than one at a time")
        parts.append(text.format(result.changed, result.compared))
    elif result.compared:
        parts.append(_("all {0:,} answers under load as one at a time").format(result.compared))
    return _("{0}.").format(joined(parts, "; "))


def busy_words(record: LoadRecord) -> str:
    """Return a warning if other programs may have lowered the figures, else ""."""
    share = busiest(record)
    if share is None or share < BUSY_SHARE:
        return ""
    return _(
        "Other programs used up to {0} of the processor meanwhile, so the figures may be too low: measure "
        "again when the computer is quiet."
    ).format(percent(share, 0))
