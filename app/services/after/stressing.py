"""Put a version of a finished run and the original under stress; nothing is optimized or measured again."""

from dataclasses import dataclass
from pathlib import Path

from app.domain.variant import Variant
from app.services.after.run_data import RunSection, parts_of
from app.services.after.trying.showing import part_sources
from app.services.flow.steps import Flow, JobStep, Refused
from app.services.flow.workspace import Workspace
from app.services.records.after_run import read_record, save_stress
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import stored_version, threads_of
from workers.contracts.after.stress import FULL_S, QUICK_S, StressParams, StressPart, StressResult
from workers.contracts.runtimes import needs_torch
from workers.contracts.translation import _, mark

TITLE = mark("Put “{0}” under stress")
PROGRAM = "model.pt2"


@dataclass(frozen=True)
class Stressed:
    """Findings about a version; `folder` holds the pictures that they name."""

    variant: Variant
    result: StressResult
    folder: Path


def pick_stressed(facts: RunFacts, variant_id: str | None) -> Variant:
    """Return the requested version, else the first one; raise `JobError` (exit code 3) if there is none."""
    versions = facts.made
    if variant_id is None and versions:
        return versions[0]
    chosen = next((variant for variant in versions if variant.id == variant_id), None)
    if chosen is None:
        title, detail = (
            mark("There is nothing to put under stress"),
            _("The run {0} has no version {1!r} that answered."),
        )
        if not variant_id:
            detail = _("The run {0} has no version besides the original.")
        hint = mark("Take one of the ids that 'fettle compare' lists, or optimize again.")
        raise Refused("no_such_version", title, detail.format(facts.run.id, variant_id), hint)
    return chosen


def stress(
    workspace: Workspace,
    facts: RunFacts,
    variant_id: str | None = None,
    *,
    full: bool = False,
    again: bool = False,
    max_seconds: float | None = None,
) -> Flow[Stressed]:
    """Stress a version and store the findings with the run; a repeated request gets the cached result.

    Args:
        workspace: Store, database and processes.
        facts: The finished run.
        variant_id: The version; None means the first one.
        full: Whether to test all kinds at all severities.
        again: Whether to make other random changes than the last time.
        max_seconds: Most seconds; None means the default for quick or full.
    """
    variant = pick_stressed(facts, variant_id)
    check_stored(workspace, facts, variant, contents=False)
    earlier = read_record(workspace.repositories, variant.id)
    times = (earlier.again if earlier is not None else 0) + again
    done = yield from _step(workspace, facts, variant, full, max_seconds, times).run()
    save_stress(workspace.repositories, variant.id, done.key, times)
    return Stressed(variant, done.result, done.folder)


def stored_stress(workspace: Workspace, facts: RunFacts, variant: Variant) -> Stressed | None:
    """Return the newest findings about this version, None if there are none or the store has lost them."""
    record, result = read_record(workspace.repositories, variant.id), facts.stress.get(variant.id)
    if record is None or result is None:
        return None
    return Stressed(variant, result, workspace.artifacts.folder(record.key))


def _step(
    workspace: Workspace, facts: RunFacts, variant: Variant, full: bool, max_seconds: float | None, times: int
) -> JobStep[StressResult]:
    original, version = stored_version(facts, facts.baseline), stored_version(facts, variant)
    parts = parts_of(workspace.artifacts, facts, facts.proof)
    sources = [_source(workspace, facts, part) for part in parts]
    usual = FULL_S if full else QUICK_S
    params = StressParams(
        original_dir=str(original.model_dir),
        original_runtime=original.variant.runtime,
        original_settings=original.settings,
        variant_dir=str(version.model_dir),
        variant_runtime=variant.runtime,
        variant_settings=version.settings,
        parts=tuple(
            StressPart(data_dir=str(part.data_dir), source=None if source is None else str(source), items=part.items)
            for part, source in zip(parts, sources, strict=True)
        ),
        full=full,
        max_seconds=usual if max_seconds is None else max_seconds,
        attack_queries=500 if full else 100,
        attack_items=200 if full else 20,
        attack_restarts=2 if full else 1,
    )
    there = [source for source in sources if source is not None]
    readable = [original.model_dir, version.model_dir, *(part.data_dir for part in parts), *there]
    return JobStep(
        "stress",
        params,
        StressResult,
        _(TITLE).format(_(variant.title)),
        tuple(dict.fromkeys(readable)),
        cache=True,
        identity={str(source): "data" for source in there},
        torch=(original.model_dir / PROGRAM).is_file()
        or any(map(needs_torch, (original.variant.runtime, variant.runtime))),
        limits=version.limits,
        threads=threads_of(facts),
        seed=facts.run.goal.seed + times,
    )


def _source(workspace: Workspace, facts: RunFacts, part: RunSection) -> Path | None:
    """Return the place of the person's files of a part, None if they are gone."""
    paths = part_sources(workspace, facts, part)
    return paths[0] if paths and paths[0].exists() else None
