"""The page Export: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="export",
    title=lambda: QCoreApplication.translate("rail", "Export"),
    icon="package",
    place="step",
    order=70,
    widget=f"{__name__}.page:ExportPage",
    summary=lambda: QCoreApplication.translate(
        "GuidePage", "Write a bundle that runs without Fettle, tested in a clean place."
    ),
)
