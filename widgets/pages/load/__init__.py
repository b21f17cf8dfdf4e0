"""The page “Under load”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("load", mark("Under load"), "gauge", f"{__name__}.page:LoadPage", order=30, below="compare")
