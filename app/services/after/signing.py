"""Sign an exported bundle, in a job that reads the key and opens no model."""

import dataclasses
import shutil
from pathlib import Path

from app.services.flow.steps import Flow, JobStep, StepResult
from workers.contracts.bundles import ExportResult, SignParams


def check_key(key: Path) -> Flow[None]:
    """Check before the export whether the key can sign; raise `JobError` if it cannot."""
    yield _step(SignParams(key=str(key)), "Check the key", key)


def signed(done: StepResult[ExportResult], key: Path) -> Flow[StepResult[ExportResult]]:
    """Return the export with its bundle signed, in its own folder; the folder of `done` is removed."""
    bundle = done.folder / done.result.path
    try:
        params = SignParams(key=str(key), bundle=str(bundle))
        made: StepResult[ExportResult] = yield _step(params, "Sign the bundle", key, bundle)
    finally:
        shutil.rmtree(done.folder, ignore_errors=True)
    changes = made.result.model_dump(include={"sha256", "size_bytes", "files", "signed_by", "path"})
    return dataclasses.replace(done, result=done.result.model_copy(update=changes), folder=made.folder)


def _step(params: SignParams, title: str, *read: Path) -> JobStep[ExportResult]:
    return JobStep(
        kind="sign",
        params=params,
        result=ExportResult,
        title=title,
        read_paths=read,
        keep_folder=bool(params.bundle),
        threads=1,
    )
