"""Control the page Guide, which has the same content for everyone."""

from app.controllers.page_controller import ControllerSpec, PageController
from widgets.main_window import MainWindow
from widgets.pages.guide.page import GuidePage


class GuideController(PageController):
    """Controller of the page Guide; its only action is to return to the previous page."""

    def __init__(self, window: MainWindow, page: GuidePage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(page)
        page.back_requested.connect(lambda: window.toggle_page("guide"))


CONTROLLER = ControllerSpec[GuidePage, GuideController](
    "guide",
    lambda desk, page: GuideController(desk.window, page),
)
