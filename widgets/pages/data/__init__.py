"""The page Data: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="data",
    title=lambda: QCoreApplication.translate("rail", "Data"),
    icon="image",
    place="step",
    order=20,
    widget=f"{__name__}.page:DataPage",
    summary=lambda: QCoreApplication.translate(
        "GuidePage", "Drop examples of what it will really get. Labels help, and are not needed."
    ),
)
