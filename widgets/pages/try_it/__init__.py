"""The page Try it: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="try",
    title=lambda: QCoreApplication.translate("rail", "Try it"),
    icon="play",
    place="step",
    order=60,
    widget=f"{__name__}.page:TryPage",
    summary=lambda: QCoreApplication.translate("GuidePage", "Give both the same input and look at their answers."),
)
