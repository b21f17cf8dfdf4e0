"""Judge a model that was made elsewhere by the same steps as any version of a run."""

import dataclasses
from pathlib import Path

from app.domain.variant import Variant
from app.services.flow.quiet import MOST_S, quiet_budget
from app.services.flow.steps import Flow, JobError, Measured
from app.services.opening.opening import OpenedModel, open_beside
from app.services.records.run_plan import BesideRequest
from app.services.run import version_steps
from app.services.run.costs import FINAL_BLOCKS, FINAL_SETS
from app.services.run.figures import beside_of, with_figures
from app.services.run.version_steps import Version, as_made, measure_step, new_variant
from workers.contracts.jobs import OpenBesideParams
from workers.contracts.specs import Recipe

SIDE_BY_SIDE = "Measure both, side by side"


def open_version(
    request: BesideRequest, original: Version, data_dir: Path, index: int, step: int | None = None
) -> Flow[Version]:
    """Open a model that was made elsewhere as a version without steps; its recipe records the source.

    Raises:
        JobError: The model cannot be opened, or its inputs differ from the original's.
    """
    params = OpenBesideParams(
        opening=request.opening,
        model_dir=str(original.model_dir),
        data_dir=str(data_dir),
        original_runtime=original.variant.runtime,
        original_settings=original.settings,
        runtime=request.runtime,
        pairs=request.pairs,
    )
    opened: OpenedModel = yield from open_beside(params, step)
    return Version(_variant(original.variant, opened, index), opened.folder)


def _variant(original: Variant, opened: OpenedModel, index: int) -> Variant:
    result, origin = opened.result, opened.result.elsewhere
    assert origin is not None
    title, recipe_id = f"{origin.name} (made elsewhere)", f"elsewhere-{opened.key[:12]}"
    recipe = Recipe(title=title, id=recipe_id, runtime=result.runtime, elsewhere=origin)
    variant = new_variant(original.run_id, index, recipe)
    return as_made(variant, opened.key, result.artifact, original.size_bytes or 0)


def measure_both(
    original: Version,
    version: Version,
    data_dir: Path,
    threads: int,
    step: int | None = None,
    *,
    family: int | None = None,
    shown: Variant | None = None,
) -> Flow[tuple[Version, Version, Measured]]:
    """Measure both versions side by side in fresh processes and return them with their figures.

    Raises:
        JobError: One of the versions cannot be measured.
    """
    how = {"sets": FINAL_SETS, "blocks": FINAL_BLOCKS, "threads": threads, "step_index": step}
    quiet = quiet_budget().part(MOST_S, None)
    measuring = measure_step([original, version], data_dir, title=SIDE_BY_SIDE, quiet=quiet, **how)
    measured = yield from version_steps.measure(measuring)
    failure = next((failure for failure in measured.failures if failure is not None), None)
    if failure is not None:
        raise JobError(failure, 1)
    summaries = yield from version_steps.summarize(measured, family=family)
    beside = beside_of(summaries[0], shown)
    found = [
        dataclasses.replace(
            one,
            variant=with_figures(
                one.variant, measured, index, summaries[index], interleaved=True, anew=True, beside=beside
            ),
        )
        for index, one in enumerate((original, version))
    ]
    return found[0], found[1], measured
