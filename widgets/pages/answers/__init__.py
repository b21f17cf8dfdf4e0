"""The page “All answers”: values in, signals out."""

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
