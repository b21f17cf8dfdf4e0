"""The page Releases: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("releases", mark("Releases"), "tag", f"{__name__}.page:ReleasesPage", place="rest", order=14)
