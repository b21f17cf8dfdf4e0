"""The page Projects: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="projects",
    title=lambda: QCoreApplication.translate("rail", "Projects"),
    icon="folders",
    place="rest",
    order=10,
    widget=f"{__name__}.page:ProjectsPage",
    of_project=False,
)
