"""The page Goal: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="goal",
    title=lambda: QCoreApplication.translate("rail", "Goal"),
    icon="target",
    place="step",
    order=30,
    widget=f"{__name__}.page:GoalPage",
    summary=lambda: QCoreApplication.translate("GuidePage", "Say what matters, and how much it may lose. Then start."),
)
