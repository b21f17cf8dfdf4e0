"""Compare the graphs of two models: versions of a run, or any two files."""

from pathlib import Path

from pydantic import ValidationError

from app.domain.variant import Variant
from app.services.flow.steps import Flow, JobStep
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model, read_data
from app.services.records.facts import RunFacts, check_stored
from app.services.records.run_records import OtherModelRequest
from app.services.run.prove_other import open_version
from app.services.run.version_steps import Version, opened_version, stored_version, threads_of
from workers.contracts.after.changes import DiffParams, DiffResult
from workers.contracts.base import RunParams
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.process.allowance import usable_cores
from workers.contracts.runtimes import needs_torch
from workers.contracts.translation import mark

TITLE = mark("Compare both models")


def compare_versions(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[DiffResult]:
    """Compare a version with the original, with errors and times by node on the run's examples.

    Raises:
        JobError: The store lacks files of the run.
    """
    check_stored(workspace, facts, variant, contents=False)
    return (yield from _step_of_run(facts, variant).run()).result


def stored_comparison(workspace: Workspace, facts: RunFacts, variant: Variant) -> DiffResult | None:
    """Return the stored comparison of a version with the original, None if there is none."""
    entry = workspace.artifacts.peek(workspace.key_of(_step_of_run(facts, variant)))
    if entry is None:
        return None
    try:
        return DiffResult.model_validate(entry.result)
    except ValidationError:
        return None


def compare_models(
    first: OpenParams, second: OpenParams, data: DataParams, threads: int | None = None
) -> Flow[DiffResult]:
    """Open two models and compare them; with `data.path` also by errors and times, if both take the same inputs.

    Raises:
        JobError: (exit code 3) One of them cannot be opened, or the other takes other inputs.
    """
    opened = yield from open_model(first.model_copy(update={"to_prove": True}))
    original = opened_version(opened)
    if data.path is None:
        other = opened_version((yield from open_model(second.model_copy(update={"to_prove": True}))))
        return (yield from _step(original, other, None, threads).run()).result
    read = yield from read_data(data.model_copy(update={"model_dir": str(opened.folder), "max_calibration": 0}))
    other = yield from open_version(OtherModelRequest(opening=second), original, read.folder, 1)
    return (yield from _step(original, other, read.folder, threads).run()).result


def _step_of_run(facts: RunFacts, variant: Variant) -> JobStep[DiffResult]:
    original, version = stored_version(facts, facts.baseline), stored_version(facts, variant)
    return _step(original, version, facts.data_dir, threads_of(facts))


def _step(original: Version, version: Version, data_dir: Path | None, threads: int | None) -> JobStep[DiffResult]:
    examples = "" if data_dir is None else str(data_dir)
    first, second = (RunParams(**one.parameters(), data_dir=examples) for one in (original, version))
    more = (version.model_dir, *(() if data_dir is None else (data_dir,)))
    how = {"threads": threads or usable_cores(), "torch": any(needs_torch(side.runtime) for side in (first, second))}
    params = DiffParams(first=first, second=second)
    return version.step("diff", params, DiffResult, original.model_dir, more, title=TITLE, cache=True, **how)
