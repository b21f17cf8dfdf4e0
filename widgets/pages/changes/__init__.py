"""The page “What changed, and why”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "changes", _("What changed, and why"), "list", f"{__name__}.page:ChangesPage", order=40, below="compare"
)
