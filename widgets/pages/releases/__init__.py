"""The page Releases: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec("releases", _("Releases"), "tag", f"{__name__}.page:ReleasesPage", place="rest", order=14)
