"""The page “Layers”: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="layers",
    title=lambda: QCoreApplication.translate("closer", "Layers"),
    icon="stack",
    place="below",
    order=50,
    widget=f"{__name__}.page:LayersPage",
    below="compare",
)
