"""The page Compare: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="compare",
    title=lambda: QCoreApplication.translate("rail", "Compare"),
    icon="chart-bar",
    place="step",
    order=50,
    widget=f"{__name__}.page:ComparePage",
    summary=lambda: QCoreApplication.translate(
        "GuidePage", "See which one is faster, and whether it still answers alike."
    ),
)
