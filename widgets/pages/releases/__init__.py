"""The page Releases: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="releases",
    title=lambda: QCoreApplication.translate("rail", "Releases"),
    icon="tag",
    place="rest",
    order=14,
    widget=f"{__name__}.page:ReleasesPage",
)
