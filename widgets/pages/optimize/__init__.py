"""The page Optimize: it shows values and emits signals."""

from widgets.page_registry import PageSpec
from workers.contracts.translation import _

PAGE = PageSpec(
    "optimize",
    _("Optimize"),
    "gauge",
    f"{__name__}.page:OptimizePage",
    place="step",
    order=40,
    draws_frames=True,
    summary=_("Versions are made and measured here, beside the original."),
)
