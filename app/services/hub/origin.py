"""Where a project's model came from, kept with the project: the model itself may be removed from the cache later."""

from pathlib import Path

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import ModelCache
from workers.contracts.hub import Origin

ORIGIN = RecordKind("origin", Owner.PROJECT, Origin)


def remember_origin(space: Workspace, project: Project) -> Origin | None:
    """Keep the origin of a project whose model lies in the model cache. Done when a run begins; once kept, it stays."""
    known = space.repositories.records.get(ORIGIN, project.id)
    if known is not None:
        return known
    model = ModelCache(space.paths.hub).owner(Path(project.model_path))
    if model is None:
        return None
    space.repositories.records.put(ORIGIN, project.id, model.origin)
    return model.origin


def origin_of(space: Workspace, project: Project) -> Origin | None:
    """The origin of a project's model, None for one that did not come from the hub. Only reads."""
    known = space.repositories.records.get(ORIGIN, project.id)
    if known is not None:
        return known
    model = ModelCache(space.paths.hub).owner(Path(project.model_path))
    return model.origin if model is not None else None
