"""The page “Under stress”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "stress", mark("Under stress"), "cloud-lightning", f"{__name__}.page:StressPage", order=20, below="compare"
)
