"""The page “Hub”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec("hub", _("Hub"), "magnifying-glass", f"{__name__}.page:HubPage", order=10, below="model")
