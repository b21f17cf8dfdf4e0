"""The page “What changed, and why”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "changes", mark("What changed, and why"), "list", f"{__name__}.page:ChangesPage", order=40, below="compare"
)
