"""The page Guide: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="guide",
    title=lambda: QCoreApplication.translate("rail", "Guide"),
    icon="question",
    place="rest",
    order=40,
    widget=f"{__name__}.page:GuidePage",
    shortcut="F1",
    of_project=False,
)
