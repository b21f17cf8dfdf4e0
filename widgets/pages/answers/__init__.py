"""The page “All answers”: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="answers",
    title=lambda: QCoreApplication.translate("closer", "All answers"),
    icon="list",
    place="below",
    order=10,
    widget=f"{__name__}.page:AnswersPage",
    below="compare",
)
