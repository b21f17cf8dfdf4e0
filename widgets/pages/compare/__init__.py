"""The page Compare: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "compare",
    mark("Compare"),
    "chart-bar",
    f"{__name__}.page:ComparePage",
    place="step",
    order=50,
    summary=mark("See which one is faster, and whether it still answers alike."),
)
