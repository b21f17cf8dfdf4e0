"""List what the hub's models take on the disk and who uses them, and remove them."""

from dataclasses import dataclass
from pathlib import Path

from app.domain.run import RunState
from app.services.flow.steps import Refused
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import ModelCache
from app.services.hub.pending import StoredModel

ACTIVE = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True)
class DownloadedModel:
    """A stored model; `used_by` names its projects, `running` is true if one has a queued or running run."""

    stored: StoredModel
    used_by: tuple[str, ...]
    running: bool


def downloaded_models(space: Workspace) -> tuple[DownloadedModel, ...]:
    """Return all complete models, newest first."""
    return tuple(_with_use(space, model) for model in ModelCache(space.paths.hub).list())


def remove_model(space: Workspace, key: str) -> None:
    """Remove a model, also one that projects need to be opened again; results made from it stay in the store.

    Raises:
        JobError: (exit code 3) A run uses the model now, or it is missing.
    """
    model_cache = ModelCache(space.paths.hub)
    model = model_cache.get(key)
    if model is None:
        raise Refused("hub_not_here", "This model is not here", "It was removed already.", "Nothing is to be done.")
    kept = _with_use(space, model)
    if kept.running:
        names = ", ".join(f"“{name}”" for name in kept.used_by)
        detail = f"{model.origin.repo} is used by {names}, which works with it now."
        raise Refused("hub_in_use", "This model is in use", detail, "Wait until the run has ended.")
    try:
        model_cache.remove(key)
    except OSError as error:
        detail = f"{model.folder} cannot be removed: {error.strerror or error}."
        hint = "Check the data folder's rights."
        raise Refused("hub_not_removed", "The model could not be removed", detail, hint) from error


def _with_use(space: Workspace, model: StoredModel) -> DownloadedModel:
    repositories = space.repositories
    users = [p for p in repositories.projects.list() if Path(p.model_path).is_relative_to(model.folder)]
    running = any(run.state in ACTIVE for p in users for run in repositories.runs.list(project_id=p.id))
    return DownloadedModel(model, tuple(project.name for project in users), running)
