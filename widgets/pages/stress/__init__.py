"""The page “Under stress”: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="stress",
    title=lambda: QCoreApplication.translate("closer", "Under stress"),
    icon="cloud-lightning",
    place="below",
    order=20,
    widget=f"{__name__}.page:StressPage",
    below="compare",
)
