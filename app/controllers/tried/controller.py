"""Control the page "What was tried", which shows stored facts of the open run."""

from app.controllers.commands import REPEAT_RUN
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.run_facts import open_facts
from app.controllers.tried.presenter import tried_value
from app.services.after.trying.tried import tried_run
from widgets.pages.tried.page import TriedPage

PAGE = "tried"


class TriedController(PageController[TriedPage]):
    """Controller of the page "What was tried"."""

    def __init__(self, context: ControllerContext, page: TriedPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        page.again_requested.connect(self._on_again)
        context.session.run_changed.connect(lambda: self.shown() if context.window.current_page == PAGE else None)
        page.show_empty()

    def shown(self) -> None:
        """Show the open run."""
        facts = open_facts(self._session, self._page)
        if facts is not None:
            tried = tried_run(self._session.workspace, facts, self._session.described)
            self._page.show_value(tried_value(facts, tried))

    def _on_again(self) -> None:
        if self._session.run is not None:
            self._commands.do(REPEAT_RUN, self._session.run)


CONTROLLER = ControllerSpec(PAGE, TriedController)
