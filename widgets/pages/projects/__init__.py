"""The page Projects: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "projects", mark("Projects"), "folders", f"{__name__}.page:ProjectsPage", place="rest", order=10, of_project=False
)
