"""The page Jobs: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec("jobs", _("Jobs"), "stack", f"{__name__}.page:JobsPage", place="rest", order=20, has_number=True)
