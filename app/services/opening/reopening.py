"""What a project had open, found again in the store without doing any work twice.

Only looked at here; whatever is run or exported is compared with its hashes first.
"""

from app.domain.project import Project
from app.services.flow.artifacts import ArtifactStore
from app.services.opening.opening import OpenedModel, ReadData
from workers.contracts.jobs import DataResult, OpenResult


def reopened_model(artifacts: ArtifactStore, project: Project) -> OpenedModel | None:
    """The project's opened model, None where it must be opened anew."""
    entry = artifacts.peek(project.model_key) if project.model_key else None
    if entry is None:
        return None
    result = OpenResult.model_validate(entry.result)
    return OpenedModel(entry.folder / result.model_dir, entry.key, result)


def reopened_data(artifacts: ArtifactStore, project: Project) -> ReadData | None:
    """The project's data set as it was read, None where it must be read anew."""
    entry = artifacts.peek(project.data_key) if project.data_key else None
    if entry is None:
        return None
    result = DataResult.model_validate(entry.result)
    return ReadData(entry.folder / result.data_dir, entry.key, result)
