"""The page Jobs: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="jobs",
    title=lambda: QCoreApplication.translate("rail", "Jobs"),
    icon="stack",
    place="rest",
    order=20,
    widget=f"{__name__}.page:JobsPage",
    has_number=True,
)
