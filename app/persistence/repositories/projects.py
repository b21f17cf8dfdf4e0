"""Store projects."""

from app.domain.project import Project
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Repository
from app.persistence.tables import ProjectRow


class Projects(Repository[Project, ProjectRow]):
    """All projects; deleting one deletes its runs and everything measured in them."""

    rows = DocumentMap(Project, ProjectRow)

    def list(self) -> list[Project]:
        """Return all projects, last used first."""
        return self._find(self._all().order_by(ProjectRow.updated_at.desc(), ProjectRow.id))
