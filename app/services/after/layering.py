"""Measure the time of each layer of the original and of a version; the store keeps the result."""

from pathlib import Path

from pydantic import ValidationError

from app.domain.variant import Variant
from app.services.flow.steps import Flow, JobStep
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import stored_version, threads_of
from workers.contracts.after.changes import LayersParams, LayersResult
from workers.contracts.runtimes import needs_torch

SENSITIVITY_FILE = "sensitivity.json"
TITLE = "Show where the time goes"

VersionLayers = tuple[Variant, LayersResult]


def versions_to_profile(facts: RunFacts) -> tuple[Variant, ...]:
    """Return the versions whose layers can be measured: the recommended one first, the original last."""
    versions = [v for v in facts.variants if v.artifact_key and v.measurement.n and not needs_torch(v.runtime)]
    best = facts.run.recommended_variant_id
    return tuple(sorted(versions, key=lambda v: (v.is_baseline, v.id != best, v.index)))


def profile_layers(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[VersionLayers, ...]]:
    """Return the layers of the original, then those of the version.

    Raises:
        JobError: The store lacks a version's files, or the runtime reports no layers.
    """
    layers = []
    for version in _both(facts, variant):
        check_stored(workspace, facts, version, contents=False)
        layers.append((version, (yield from _step(facts, version).run()).result))
    return tuple(layers)


def stored_layers(workspace: Workspace, facts: RunFacts, variant: Variant) -> tuple[VersionLayers, ...]:
    """Return stored layers of the original and the version; () unless the store has both."""
    layers = []
    for version in _both(facts, variant):
        step = _step(facts, version)
        entry = workspace.artifacts.peek(workspace.key_of(step))
        try:
            layers.append((version, LayersResult.model_validate(entry.result if entry is not None else None)))
        except ValidationError:
            return ()
    return tuple(layers)


def _both(facts: RunFacts, variant: Variant) -> tuple[Variant, ...]:
    return (facts.baseline,) if variant.is_baseline else (facts.baseline, variant)


def _step(facts: RunFacts, variant: Variant) -> JobStep[LayersResult]:
    version, ranked = stored_version(facts, variant), ranked_folder(facts)
    params = LayersParams(
        **version.parameters(), data_dir=str(facts.data_dir), sensitivity_dir=None if ranked is None else str(ranked)
    )
    more = () if ranked is None else (ranked,)
    return version.step(
        "layers", params, LayersResult, facts.data_dir, more, title=TITLE, cache=True, threads=threads_of(facts)
    )


def ranked_folder(facts: RunFacts) -> Path | None:
    """Return the model of a version whose layers were ranked by their loss in 8 bits, None if the run has none."""
    for variant in facts.variants:
        if not variant.recipe.runs_original_files and variant.artifact_key:
            folder = facts.model_dir(variant)
            if (folder / SENSITIVITY_FILE).is_file():
                return folder
    return None
