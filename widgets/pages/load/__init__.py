"""The page “Under load”: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="load",
    title=lambda: QCoreApplication.translate("closer", "Under load"),
    icon="gauge",
    place="below",
    order=30,
    widget=f"{__name__}.page:LoadPage",
    below="compare",
)
