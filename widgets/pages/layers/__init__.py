"""The page “Layers”: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec("layers", _("Layers"), "stack", f"{__name__}.page:LayersPage", order=50, below="compare")
