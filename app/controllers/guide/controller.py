"""The page Guide, which is the same for everybody."""

from PySide6.QtCore import QObject

from widgets.main_window import MainWindow
from widgets.pages.guide.page import GuidePage


class GuideController(QObject):
    """Leads back to where one was."""

    def __init__(self, window: MainWindow, page: GuidePage) -> None:
        super().__init__(page)
        page.back_requested.connect(window.toggle_guide)
