"""The page Optimize: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="optimize",
    title=lambda: QCoreApplication.translate("rail", "Optimize"),
    icon="gauge",
    place="step",
    order=40,
    widget=f"{__name__}.page:OptimizePage",
    draws_frames=True,
    summary=lambda: QCoreApplication.translate(
        "GuidePage", "Versions are made and measured here, beside the original."
    ),
)
