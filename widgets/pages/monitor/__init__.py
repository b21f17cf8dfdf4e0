"""The page Monitor: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="monitor",
    title=lambda: QCoreApplication.translate("rail", "Monitor"),
    icon="chart-line",
    place="rest",
    order=15,
    widget=f"{__name__}.page:MonitorPage",
    of_project=False,
)
