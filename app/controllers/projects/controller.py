"""Control the page Projects."""

from pathlib import Path

from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.services.projects.projects import contents_of, shown_projects, trashed_projects
from widgets.commands import NEW_PROJECT, OPEN_PROJECT
from widgets.pages.projects.page import ProjectRowValue, ProjectsPage


class ProjectsController(PageController[ProjectsPage]):
    """Controller of the page Projects."""

    def __init__(self, context: ControllerContext, page: ProjectsPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        edits = context.edits
        page.new_requested.connect(context.commands.to(NEW_PROJECT))
        page.open_requested.connect(context.commands.to(OPEN_PROJECT))
        page.rename_requested.connect(edits.rename)
        page.delete_requested.connect(edits.delete)
        page.restore_requested.connect(edits.restore)
        page.forget_requested.connect(edits.forget)
        edits.changed.connect(self.show)
        self.show()

    def shown(self) -> None:
        """Show what has changed since the last visit."""
        self.show()

    def show(self) -> None:
        """Show all projects in their current state."""
        repositories, project = self._session.workspace.repositories, self._session.project
        rows = [
            ProjectRowValue(
                one.id,
                one.name,
                Path(one.model_path).name,
                contents_of(repositories, one.id)[0],
                one.updated_at,
                project is not None and one.id == project.id,
            )
            for one in shown_projects(repositories)
        ]
        away = [(one.id, one.name, at) for one, at in trashed_projects(repositories)]
        self._page.show_value((tuple(rows), tuple(away)))


CONTROLLER = ControllerSpec("projects", ProjectsController)
