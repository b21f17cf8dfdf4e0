"""Where a project's model came from, kept with the project: the model itself may be removed from the cache later."""

from pathlib import Path

from pydantic import ValidationError

from app.domain.project import Project
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import ModelCache
from workers.contracts.hub import Origin


def remember_origin(space: Workspace, project: Project) -> Origin | None:
    """Keep the origin of a project whose model lies in the model cache. Done when a run begins; once kept, it stays."""
    known = _kept(space, project)
    if known is not None:
        return known
    model = ModelCache(space.paths.hub).owner(Path(project.model_path))
    if model is None:
        return None
    space.repositories.settings.put(_key(project), model.origin.model_dump(mode="json"))
    return model.origin


def origin_of(space: Workspace, project: Project) -> Origin | None:
    """The origin of a project's model, None for one that did not come from the hub. Only reads."""
    known = _kept(space, project)
    if known is not None:
        return known
    model = ModelCache(space.paths.hub).owner(Path(project.model_path))
    return model.origin if model is not None else None


def _key(project: Project) -> str:
    return f"origin:{project.id}"


def _kept(space: Workspace, project: Project) -> Origin | None:
    value = space.repositories.settings.get(_key(project))
    if value is None:
        return None
    try:
        return Origin.model_validate(value)
    except ValidationError:  # another version of the program wrote it
        return None
