"""The page Export: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "export",
    _("Export"),
    "package",
    f"{__name__}.page:ExportPage",
    place="step",
    order=70,
    summary=_("Write a bundle that runs without Fettle, tested in a clean place."),
)
