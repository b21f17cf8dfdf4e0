"""Projects."""

from app.domain.project import Project
from app.persistence.repositories.base import Connection, Repository
from app.persistence.rows import RowMap
from app.persistence.tables import ProjectRow


class Projects(Repository[Project, ProjectRow]):
    """Deleting one deletes its runs and everything measured in them."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, ProjectRow, ProjectRow.id, RowMap(Project))

    def list(self) -> list[Project]:
        """All, the one that was worked on last first."""
        return self._find(self._all().order_by(ProjectRow.updated_at.desc(), ProjectRow.id))
