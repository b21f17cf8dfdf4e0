"""The page Jobs: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec("jobs", mark("Jobs"), "stack", f"{__name__}.page:JobsPage", place="rest", order=20, has_number=True)
