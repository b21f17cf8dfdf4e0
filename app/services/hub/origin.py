"""Store where a project's model came from, since the model may later be removed from the cache."""

from pathlib import Path

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import ModelCache
from workers.contracts.hub import Origin

ORIGIN = RecordKind("origin", Owner.PROJECT, Origin)


def remember_origin(space: Workspace, project: Project) -> Origin | None:
    """Store the origin of a project's model if it came from the hub; done once, when a run begins."""
    origin = origin_of(space, project)
    if origin is not None and space.repositories.records.get(ORIGIN, project.id) is None:
        space.repositories.records.put(ORIGIN, project.id, origin)
    return origin


def origin_of(space: Workspace, project: Project) -> Origin | None:
    """Return the origin of a project's model without storing it, None if it did not come from the hub."""
    known = space.repositories.records.get(ORIGIN, project.id)
    if known is not None:
        return known
    model = ModelCache(space.paths.hub).owner(Path(project.model_path))
    return model.origin if model is not None else None
