"""Control the page "What was tried", which shows stored facts of the open run."""

from PySide6.QtCore import Signal

from app.controllers.commands import REPEAT_RUN
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.run_facts import facts_or_reported
from app.controllers.session import Session
from app.controllers.tried.presenter import tried_value
from app.services.after.trying.tried import tried_run
from widgets.main_window import MainWindow
from widgets.pages.tried.page import TriedPage

PAGE = "tried"


class TriedController(PageController):
    """Controller of the page "What was tried"; `again_requested(run)` asks to measure the whole run again."""

    again_requested = Signal(object)

    def __init__(self, window: MainWindow, page: TriedPage, session: Session) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(page)
        self._window, self._page, self._session = window, page, session
        page.compare_requested.connect(lambda: window.show_page("compare"))
        page.again_requested.connect(self._on_again)
        window.page_shown.connect(self._on_page_shown)
        session.run_changed.connect(lambda: self._on_page_shown(window.current_page))
        page.show_empty()
        self._on_page_shown(window.current_page)

    def _on_page_shown(self, page_id: str) -> None:
        if page_id == PAGE:
            self.show()

    def show(self) -> None:
        """Show the open run."""
        run = self._session.run
        if run is None:
            self._page.show_empty()
            return
        facts = facts_or_reported(self._session, self._page, run)
        if facts is None:
            return
        tried = tried_run(self._session.workspace, facts, self._session.described)
        self._page.show_value(tried_value(facts, tried))

    def _on_again(self) -> None:
        if self._session.run is not None:
            self.again_requested.emit(self._session.run)


def _make(desk: ControllerContext, page: TriedPage) -> TriedController:
    made = TriedController(desk.window, page, desk.session)
    made.again_requested.connect(desk.commands.to(REPEAT_RUN))
    return made


CONTROLLER = ControllerSpec(
    "tried",
    _make,
)
