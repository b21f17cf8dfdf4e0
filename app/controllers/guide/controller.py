"""Control the page Guide, which has the same content for everyone."""

from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.help import task_pages
from widgets.commands import REPORT_PROBLEM
from widgets.pages.guide.page import GuidePage


class GuideController(PageController[GuidePage]):
    """Controller of the page Guide; it returns to the previous page and opens a problem report."""

    def __init__(self, context: ControllerContext, page: GuidePage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        page.back_requested.connect(lambda: context.window.toggle_page("guide"))
        page.report_requested.connect(lambda: self._commands.do(REPORT_PROBLEM, None, ()))
        page.task_requested.connect(self._show_task)
        page.show_value(tuple((task.topic, task.title) for task in task_pages().values()))

    def _show_task(self, topic: str) -> None:
        task = task_pages()[topic]
        self._page.show_task(task.title, task.body, task.pictures())


CONTROLLER = ControllerSpec("guide", GuideController)
