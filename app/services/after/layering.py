"""Where the time of the original and of a version goes, layer by layer; looked at once, then known to the store."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.domain.variant import Variant
from app.services.flow.steps import Done, Flow, JobStep, limits_of_runtime
from app.services.flow.workspace import Workspace, usable_cores
from app.services.records.facts import RunFacts, check_stored
from app.services.run.candidates import Candidate
from workers.contracts.layers import LayersParams, LayersResult

SENSITIVITY_FILE = "sensitivity.json"
TITLE = "Look where the time goes"


@dataclass(frozen=True)
class Looked:
    """One version's layers."""

    variant: Variant
    result: LayersResult


def lookable(facts: RunFacts) -> tuple[Variant, ...]:
    """Versions whose layers can be looked at: the recommended one first, then by their order; the original last."""
    found = [v for v in facts.variants if v.artifact_key and v.measurement.n and not v.runtime.startswith("torch")]
    best = facts.run.recommended_variant_id
    return tuple(sorted(found, key=lambda v: (v.is_baseline, v.id != best, v.index)))


def look_at_layers(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Looked, ...]]:
    """The original's layers, then the version's.

    Raises `JobError` where the store has lost one of them, or where an engine does not tell.
    """
    found = []
    for version in _both(facts, variant):
        check_stored(workspace, facts, version, contents=False)
        done: Done[LayersResult] = yield _step(facts, version)
        found.append(Looked(version, done.result))
    return tuple(found)


def looked_before(workspace: Workspace, facts: RunFacts, variant: Variant) -> tuple[Looked, ...]:
    """The same where the store knows both already, else nothing."""
    found = []
    for version in _both(facts, variant):
        step = _step(facts, version)
        entry = workspace.artifacts.peek(workspace.key_of(step))
        try:
            found.append(Looked(version, LayersResult.model_validate(entry.result if entry is not None else None)))
        except ValidationError:
            return ()
    return tuple(found)


def _both(facts: RunFacts, variant: Variant) -> tuple[Variant, ...]:
    return (facts.baseline,) if variant.is_baseline else (facts.baseline, variant)


def _step(facts: RunFacts, variant: Variant) -> JobStep[LayersResult]:
    folder, ranked = facts.model_dir(variant), ranked_folder(facts)
    return JobStep(
        kind="layers",
        params=LayersParams(
            model_dir=str(folder),
            data_dir=str(facts.data_dir),
            runtime=variant.runtime,
            settings=Candidate(variant, folder).settings,
            sensitivity_dir=None if ranked is None else str(ranked),
        ),
        result=LayersResult,
        title=TITLE,
        read_paths=(folder, facts.data_dir, *(() if ranked is None else (ranked,))),
        cache=True,
        threads=facts.run.goal.threads or usable_cores(),
        limits=limits_of_runtime(variant.runtime, Candidate(variant, folder).settings),
    )


def ranked_folder(facts: RunFacts) -> Path | None:
    """The model of a version for which each layer's cost in 8 bits was measured, if the run has one."""
    for variant in facts.variants:
        if variant.recipe.steps and variant.artifact_key:
            folder = facts.model_dir(variant)
            if (folder / SENSITIVITY_FILE).is_file():
                return folder
    return None
