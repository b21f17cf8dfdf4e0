"""The page Model: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="model",
    title=lambda: QCoreApplication.translate("rail", "Model"),
    icon="cube",
    place="step",
    order=10,
    widget=f"{__name__}.page:ModelPage",
    summary=lambda: QCoreApplication.translate(
        "GuidePage", "Drop the file or folder of a trained model, or pick one from the hub."
    ),
)
