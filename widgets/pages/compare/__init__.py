"""The page Compare: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "compare",
    _("Compare"),
    "chart-bar",
    f"{__name__}.page:ComparePage",
    place="step",
    order=50,
    summary=_("See which one is faster, and whether it still answers alike."),
)
