"""The page “What was tried”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec("tried", _("What was tried"), "list", f"{__name__}.page:TriedPage", order=40, below="compare")
