"""The page Export: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "export",
    mark("Export"),
    "package",
    f"{__name__}.page:ExportPage",
    place="step",
    order=70,
    summary=mark("Write a bundle that runs without Fettle, tested in a clean place."),
)
