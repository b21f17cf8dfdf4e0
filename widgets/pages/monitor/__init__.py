"""The page Monitor: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "monitor", mark("Monitor"), "chart-line", f"{__name__}.page:MonitorPage", place="rest", order=15, of_project=False
)
