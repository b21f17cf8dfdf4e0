"""The page “Hub”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("hub", mark("Hub"), "magnifying-glass", f"{__name__}.page:HubPage", order=10, below="model")
