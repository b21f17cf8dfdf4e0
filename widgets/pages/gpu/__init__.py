"""The page of the GPU doctor: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="gpu",
    title=lambda: QCoreApplication.translate("rail", "Graphics cards"),
    icon="cpu",
    place="below",
    order=10,
    widget=f"{__name__}.page:GpuPage",
    below="settings",
    of_project=False,
)
