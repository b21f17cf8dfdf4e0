"""Find a project's opened model and data in the store, so that no work is repeated.

Files are only looked up here; their hashes are checked before they are run or exported.
"""

from app.domain.project import Project
from app.services.flow.artifacts import ArtifactStore
from app.services.opening.opening import OpenedModel, ReadData
from workers.contracts.jobs import DataResult, OpenResult


def reopened_model(artifacts: ArtifactStore, project: Project) -> OpenedModel | None:
    """Return the project's opened model, None if it must be opened again."""
    entry = artifacts.peek(project.model_key) if project.model_key else None
    if entry is None:
        return None
    result = OpenResult.model_validate(entry.result)
    return OpenedModel(entry.folder / result.model_dir, entry.key, result)


def reopened_data(artifacts: ArtifactStore, project: Project) -> ReadData | None:
    """Return the project's data set, None if it must be read again."""
    entry = artifacts.peek(project.data_key) if project.data_key else None
    if entry is None:
        return None
    result = DataResult.model_validate(entry.result)
    return ReadData(entry.folder / result.data_dir, entry.key, result)
