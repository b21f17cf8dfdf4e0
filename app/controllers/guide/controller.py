"""The page Guide, which is the same for everybody."""

from app.controllers.page_controller import ControllerSpec, PageController
from widgets.main_window import MainWindow
from widgets.pages.guide.page import GuidePage


class GuideController(PageController):
    """Leads back to where one was."""

    def __init__(self, window: MainWindow, page: GuidePage) -> None:
        super().__init__(page)
        page.back_requested.connect(lambda: window.toggle_page("guide"))


CONTROLLER = ControllerSpec[GuidePage, GuideController](
    "guide",
    lambda desk, page: GuideController(desk.window, page),
)
