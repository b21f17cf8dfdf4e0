"""The page “Hub”: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="hub",
    title=lambda: QCoreApplication.translate("rail", "Hub"),
    icon="magnifying-glass",
    place="below",
    order=10,
    widget=f"{__name__}.page:HubPage",
    below="model",
)
