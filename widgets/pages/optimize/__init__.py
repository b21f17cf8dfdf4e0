"""The page Optimize: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import mark

PAGE = PageSpec(
    "optimize",
    mark("Optimize"),
    "gauge",
    f"{__name__}.page:OptimizePage",
    place="step",
    order=40,
    draws_frames=True,
    summary=mark("Versions are made and measured here, beside the original."),
)
