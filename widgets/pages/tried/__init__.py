"""The page “What was tried”: it shows values and emits signals."""

from PySide6.QtCore import QCoreApplication

from widgets.page_registry import PageSpec

PAGE = PageSpec(
    id="tried",
    title=lambda: QCoreApplication.translate("closer", "What was tried"),
    icon="list",
    place="below",
    order=40,
    widget=f"{__name__}.page:TriedPage",
    below="compare",
)
